"""A sample list gives its usable rows and says what is wrong with the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.sample_lists import read_samples
from vlmscope.errors import BadSampleError, VlmscopeWarning

GOOD = {"image": "a.png", "phrase": "the red square"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, 30 wide and 20 high, a broken one and a mask."""
    Image.new("RGB", (30, 20), "red").save(tmp_path / "a.png")
    Image.new("RGB", (30, 20), "blue").save(tmp_path / "b.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 6:12] = 1  # 1, not 255: anything that is not black counts
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.new("L", (30, 20)).save(tmp_path / "black.png")
    Image.new("L", (3, 2), 255).save(tmp_path / "small.png")
    return tmp_path


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "samples.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_come_in_order_with_what_they_hold(folder: Path) -> None:
    path = write(
        folder,
        {**GOOD, "box": [1, 2, 10.5, 12]},
        "",
        {"image": "b.png", "text": "das blaue Bild ü", "mask": "mask.png"},
    )
    samples = read_samples(path)
    assert len(samples) == 2
    first, second = samples
    assert first.phrase == "the red square"
    assert first.box == (1.0, 2.0, 10.5, 12.0)
    assert first.mask is None
    assert first.image.pixels[0, 0].tolist() == [255, 0, 0]
    assert second.phrase == "das blaue Bild ü"
    assert second.mask is not None
    assert second.mask.sum() == 30
    assert second.mask[5, 6]
    assert samples.skipped == ()
    assert [row.phrase for row in samples] == [first.phrase, second.phrase]  # again


def test_rows_in_a_run_on_one_image_open_it_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def counted(source: Any, **options: Any) -> OpenedImage:
        opened.append(Path(source).name)
        return open_image(source, **options)

    monkeypatch.setattr("vlmscope.data.row_files.open_image", counted)
    one, two, other = read_samples(
        write(folder, GOOD, {**GOOD, "phrase": "it"}, {**GOOD, "image": "b.png"})
    )
    assert opened == ["a.png", "b.png"]
    assert one.image is two.image
    assert other.image is not one.image


def test_a_folder_means_its_list(folder: Path) -> None:
    write(folder, GOOD)
    assert len(read_samples(folder)) == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "JSON object, got list"),
        ("[" * 100_000, "nested too deeply"),
        ({"phrase": "a"}, "'image' must be a text, it is missing"),
        ({"image": "a.png"}, "'phrase' must be a text, it is missing"),
        ({"image": "a.png", "phrase": "  "}, "'phrase' must be a text"),
        ({"image": "a.png", "phrase": 7}, "it is 7"),
        ({"image": "a\0.png", "phrase": "a"}, "'image' must be a text"),
        ({"image": "none.png", "phrase": "a"}, "no image file"),
        ({"image": ".", "phrase": "a"}, "no image file"),
        ({**GOOD, "box": [1, 2, 3]}, "[x0, y0, x1, y1]"),
        ({**GOOD, "box": [1, 2, "3", 4]}, "[x0, y0, x1, y1]"),
        ({**GOOD, "box": [1, 2, True, 4]}, "[x0, y0, x1, y1]"),
        ('{"image": "a.png", "phrase": "a", "box": [1, 2, NaN, 4]}', "NaN is no number in JSON"),
        ('{"image": "a.png", "phrase": "a", "box": [1, 2, 1e999, 4]}', "1e999 is too large"),
        ('{"image": "a.png", "phrase": "a", "image": "b.png"}', "the key 'image' occurs twice"),
        (r'{"image": "a.png", "phrase": "\ud83d"}', "half of a surrogate pair"),
        ({**GOOD, "box": [1, 2, None, 4]}, "[x0, y0, x1, y1]"),
        ({**GOOD, "box": [1, 2, 10**400, 4]}, "is too large"),
        ({**GOOD, "box": "1234"}, "[x0, y0, x1, y1]"),
        ('{"image": "a.png", "phrase": ' + "9" * 5000 + "}", "not JSON"),
        ({**GOOD, "box": [20, 2, 5, 4]}, "[x, y, width, height]"),
        ({**GOOD, "box": [100, 2, 105, 4]}, "outside the image, which is 30 wide"),
        ({**GOOD, "image": "cut.png"}, "truncated"),
        ({**GOOD, "mask": "none.png"}, "no mask file"),
        ({**GOOD, "bbox": [1, 2, 3, 4]}, "'bbox' is not read. Did you mean 'box'"),
        ({**GOOD, "object_mask": "mask.png"}, "Did you mean 'mask'"),
        ({**GOOD, "box": [0.1, 0.2, 0.9, 1]}, "shares of the image. Give pixels: x times 30"),
        (GOOD, "repeats line 1"),
        ({**GOOD, "mask": "small.png"}, "3 wide and 2 high"),
        ({**GOOD, "mask": "black.png"}, "black all over"),
    ],
)
def test_a_bad_row_is_skipped_with_its_line_and_reason(folder: Path, row: Any, words: str) -> None:
    samples = read_samples(write(folder, GOOD, row, {**GOOD, "image": "b.png"}))
    for _ in range(2):  # going through again counts nothing twice
        assert [each.image.pixels[0, 0].tolist() for each in samples] == [[255, 0, 0], [0, 0, 255]]
    (skipped,) = samples.skipped
    assert skipped.line == 2
    assert words in skipped.reason


def test_no_usable_row_is_an_error_with_the_first_reason(folder: Path) -> None:
    with pytest.raises(BadSampleError, match=r"None of the 2 rows .* Line 1: .*not JSON"):
        read_samples(write(folder, "x", "y"))
    later = read_samples(write(folder, {**GOOD, "image": "cut.png"}))
    with pytest.raises(BadSampleError, match=r"None of the 1 rows .* truncated"):
        list(later)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_list(folder: Path, content: str) -> None:
    path = folder / "samples.jsonl"
    path.write_text(content)
    with pytest.raises(BadSampleError, match="is empty"):
        read_samples(path)


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"No such file.*tiny-scenes:N"):
        read_samples(tmp_path / "none.jsonl")
    with pytest.raises(BadSampleError, match="No such file"):
        read_samples(tmp_path)
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSampleError, match="not UTF-8"):
        read_samples(tmp_path / "binary.jsonl")


def test_too_large_images_are_skipped(folder: Path) -> None:
    samples = read_samples(write(folder, GOOD), max_pixels=599)
    with pytest.raises(BadSampleError, match="limit is 599"):
        list(samples)


def test_rendered_scenes_have_masks_and_differ_when_held_out() -> None:
    chosen = list(read_samples("tiny-scenes:3"))
    assert len(chosen) == len(read_samples("tiny-scenes:3")) == 3
    for row in chosen:
        assert row.mask is not None
        assert row.box is not None
        assert row.mask.shape == row.image.size
    held_out = list(read_samples("tiny-scenes:3", held_out=True))
    assert not any(
        (a.image.pixels == b.image.pixels).all() for a, b in zip(chosen, held_out, strict=True)
    )
    again = list(read_samples("tiny-scenes:3"))
    assert all((a.image.pixels == b.image.pixels).all() for a, b in zip(chosen, again, strict=True))
    assert len(read_samples("tiny-scenes")) == 200


def test_crowded_scenes_come_by_their_name() -> None:
    [plain], [crowd] = read_samples("tiny-scenes:1"), read_samples("tiny-scenes:1:crowd")
    assert (plain.image.pixels != crowd.image.pixels).any()
    every = list(read_samples("tiny-scenes:1:every,crowd"))
    assert len({row.phrase for row in every}) == len(every) > 2
    assert all((row.image.pixels == crowd.image.pixels).all() for row in every)


@pytest.mark.parametrize(
    "text",
    [
        *("tiny-scenes:0", "tiny-scenes:x", "tiny-scenes:", "tiny-scenes:-3"),
        *("tiny-scenes:3:crowds", "tiny-scenes:3:every,plain", "tiny-scenes:x:crowd"),
    ],
)
def test_nonsense_numbers_of_scenes(text: str) -> None:
    with pytest.raises(BadSampleError, match="N from 1 to 999999"):
        read_samples(text)


def test_three_identical_rows_count_once(folder: Path) -> None:
    other_order = {"phrase": GOOD["phrase"], "image": "a.png", "note": "again"}
    with pytest.warns(
        VlmscopeWarning, match="not read: 'note'. Read are: image, phrase, box, mask"
    ):
        samples = read_samples(write(folder, GOOD, GOOD, other_order, {**GOOD, "phrase": "b"}))
    assert [row.phrase for row in samples] == ["the red square", "b"]
    assert [(row.line, row.reason) for row in samples.skipped] == [
        (2, "It repeats line 1, which counts once."),
        (3, "It repeats line 1, which counts once."),
    ]


@pytest.mark.parametrize("field", ["image", "mask"])
@pytest.mark.parametrize("name", ["a" * 300, "b/" * 3000], ids=["a long name", "a long path"])
def test_a_file_name_that_no_system_takes_is_a_row_to_skip(
    folder: Path, field: str, name: str
) -> None:
    samples = read_samples(write(folder, GOOD, {**GOOD, field: name}))
    [skipped] = samples.skipped
    assert len(skipped.reason) < 1_300
    assert skipped.line == 2
    # the system says that a part of the name is too long, or it finds nothing
    starts = (f"There is no {field} file ", f"Cannot look up the {field} file ")
    assert skipped.reason.startswith(starts)
