"""Questions from files, tuples and rendered scenes; what is no question is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.questions import (
    KINDS,
    Question,
    as_questions,
    read_questions,
    scene_questions,
)
from vlmscope.errors import BadImageError, BadSampleError, UnknownNameError, VlmscopeWarning

IMAGE = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def write(folder: Path, *rows: object) -> Path:
    Image.fromarray(IMAGE).save(folder / "a.png")
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[3:9, 4:11] = 255
    Image.fromarray(mask).save(folder / "m.png")
    path = folder / "q.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_file_gives_questions_with_paths_relative_to_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"image": "a.png", "question": "what is it?", "references": "a dog", "mask": "m.png"},
        {"image": "a.png", "question": "where?", "answer": "left", "references": ["left", "west"]},
    )
    first, second = as_questions(read_questions(path))
    assert np.array_equal(first.image, IMAGE) and first.references == ("a dog",)
    assert first.mask is not None and first.mask.sum() == 42 and first.answer is None
    assert second.answer == "left" and second.references == ("left", "west")
    assert first.digest != second.digest
    assert first.digest == next(as_questions(read_questions(path))).digest


def test_tuples_and_questions_are_taken_as_they_are() -> None:
    made = Question(IMAGE, "what?")
    found = list(as_questions([made, (IMAGE, "what?"), (IMAGE, "what?", "that")]))
    assert found[0] is made and found[1].text == "what?" and found[2].answer == "that"


def test_scenes_ask_each_kind_in_turn_and_know_the_answer() -> None:
    found = list(as_questions(read_questions("tiny-scenes:10")))
    assert len(found) == 10 and all(q.references and q.mask.any() for q in found)
    assert [q.text.split()[1] for q in found[:2]] == [found[0].text.split()[1], "texture"]
    colours = list(as_questions(read_questions("tiny-scenes:4:colour")))
    assert all(q.text.startswith(("what color", "what colour")) for q in colours)
    again = list(as_questions(read_questions("tiny-scenes:4:colour")))
    assert [q.digest for q in colours] == [q.digest for q in again]
    chosen = list(as_questions(read_questions("tiny-scenes:4:colour", held_out=False)))
    assert not {q.digest for q in chosen} & {q.digest for q in colours}
    assert set(KINDS) >= {"colour", "where"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "what?"}, "'image' must be a text, it is missing"),
        ({"image": "a.png", "question": "  "}, "must be a text"),
        ({"image": "a.png"}, "must be a text"),
        ({"image": "a.png", "question": "q", "answer": 3}, "'answer' must be a text, it is 3"),
        ({"image": "a.png", "question": "q", "references": [1]}, "References are texts"),
        ({"image": "a.png", "question": "q", "references": 1}, "References are texts"),
        ({"image": "a.png", "question": "q", "answer": "no\0"}, "'answer' must be a text"),
    ],
)
def test_bad_rows_are_refused(row: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=message):
        list(as_questions(read_questions(write(tmp_path, row))))


def test_questions_about_one_picture_in_a_run_open_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"image": "a.png", "question": "q"}
    path = write(
        tmp_path, row, {**row, "question": "r"}, {**row, "image": "m.png"}, {**row, "question": "s"}
    )
    opened = []

    def counted(source: object, **options: object) -> OpenedImage:
        opened.append(Path(str(source)).name)
        return open_image(source, **options)

    monkeypatch.setattr("vlmscope.data.row_files.open_image", counted)
    one, two, other, again = as_questions(read_questions(path))
    assert opened == ["a.png", "m.png", "a.png"]
    assert one.image is two.image and other.image is not one.image
    assert np.array_equal(again.image, one.image)


def test_an_array_that_is_filled_anew_between_rows_is_seen_anew() -> None:
    """A loader may hand out the same buffer again and again."""
    buffer = np.zeros((8, 8, 3), dtype=np.uint8)

    def rows() -> Iterator[tuple[np.ndarray, str]]:
        for value in (0, 200):
            buffer[:] = value
            yield buffer, "what?"

    assert [int(each.image.max()) for each in as_questions(rows())] == [0, 200]


def test_bad_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="Cannot read"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(BadSampleError, match="None of the 1 rows .* Line 1: It is not JSON"):
        read_questions(write(tmp_path, "{"))
    with pytest.raises(BadSampleError, match="JSON object, got list"):
        read_questions(write(tmp_path, "[1]"))
    with pytest.raises(BadSampleError, match="empty"):
        read_questions(write(tmp_path, ""))
    with pytest.raises(BadSampleError, match="tiny-scenes:N"):
        read_questions("tiny-scenes:0")
    with pytest.raises(UnknownNameError, match="colour"):
        read_questions("tiny-scenes:3:color")
    with pytest.raises(BadSampleError, match="Sample 0: .*got int"):
        list(as_questions([3]))
    with pytest.raises(BadSampleError, match="There is no image file"):
        read_questions(write(tmp_path, {"image": "b.png", "question": "q"}))
    wrong = {"image": "a.png", "question": "q", "mask": np.zeros((3, 3), dtype=bool)}
    with pytest.raises(BadSampleError, match="3 wide"):
        list(as_questions([{**wrong, "image": IMAGE}]))


def test_scenes_that_allow_no_such_question_are_passed_over() -> None:
    found = list(scene_questions(200))  # among them are scenes whose only object has no other name
    assert len(found) == 200 and len({question.digest for question in found}) == 200


def test_bad_rows_are_skipped_before_an_image_is_opened(tmp_path: Path) -> None:
    good = {"image": "a.png", "question": "what?"}
    (tmp_path / "broken.png").write_bytes(b"no image")
    path = write(
        tmp_path,
        good,
        "[" * 100_000,
        {**good, "question": 3},
        {**good, "answers": ["left"]},
        good,
        {**good, "mask": "none.png"},
        {**good, "image": "broken.png"},
        {**good, "question": "where?", "id": 7},
    )
    with pytest.warns(VlmscopeWarning, match="not read: 'id'"):
        questions = read_questions(path)
    reasons = {row.line: row.reason for row in questions.skipped}
    assert list(reasons) == [2, 3, 4, 5, 6]
    assert "nested too deeply" in reasons[2] and "'question' must be a text" in reasons[3]
    assert "Did you mean 'answer'" in reasons[4] and "repeats line 1" in reasons[5]
    assert "no mask file" in reasons[6]
    kept = list(as_questions(questions))
    assert [each.text for each in kept] == ["what?", "where?"]
    assert [each.place for each in kept] == ["line 1", "line 8"]
    assert [row.line for row in questions.skipped] == [2, 3, 4, 5, 6, 7]


def test_samples_that_are_none_are_named_or_raised(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"no picture")
    samples = [(IMAGE, "what?"), 3, (tmp_path / "cut.png", "what?"), (IMAGE, " "), (IMAGE, "why?")]
    unreadable: list[tuple[str, str]] = []
    kept = list(as_questions(samples, unreadable))
    assert [each.place for each in kept] == ["sample 0", "sample 4"]
    assert [place for place, _ in unreadable] == ["sample 1", "sample 2", "sample 3"]
    for (_, reason), words in zip(unreadable, ["got int", "cut.png", "'question'"], strict=True):
        assert words in reason
    with pytest.raises(BadImageError, match=r"Sample 0: .*cut\.png"):
        list(as_questions(samples[2:]))
