"""MME's folders: both layouts, what is refused, and scores from its questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from ref_sets import picture_bytes, unpublished
from vlmscope.data.datasets import open_dataset
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.metrics import Mme
from vlmscope.metrics.mme import COGNITION, PERCEPTION

LINES = (
    "Is it a cat? Please answer yes or no.\tYes\r\nIs it a dog? Please answer yes or no.\tNo\n\n"
)


def picture(root: Path, category: str, stem: str, text: str = LINES, suffix: str = ".jpg") -> None:
    apart = category in ("scene", "posters")
    texts = root / category / ("questions_answers_YN" if apart else "")
    pictures = root / category / ("images" if apart else "")
    for folder in (texts, pictures):
        folder.mkdir(parents=True, exist_ok=True)
    (texts / f"{stem}.txt").write_bytes(text.encode())
    (pictures / f"{stem}{suffix}").write_bytes(picture_bytes())


def opened(root: Path, partial: bool = True) -> MmeSet:
    data = open_dataset("mme", root, partial=partial)
    assert isinstance(data, MmeSet)
    return data


@pytest.mark.parametrize("category", ["count", "scene"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_questions_lie_beside_pictures_or_apart(tmp_path: Path, category: str, suffix: str) -> None:
    picture(tmp_path, category, "0001", suffix=suffix)
    data = opened(tmp_path)
    assert list(data.image_ids) == [f"{category}/0001"] and data.skipped == ()
    first, second = data.questions(f"{category}/0001")
    assert (first.id, second.id) == (f"{category}/0001/0", f"{category}/0001/1")
    assert first.category == category and first.image_id == f"{category}/0001"
    assert first.question.text == "Is it a cat? Please answer yes or no."
    assert (first.truth, second.truth) == (True, False)
    assert (first.question.references, second.question.references) == (("yes",), ("no",))
    assert first.question.image.shape == (40, 60, 3) and first.question.place == first.id
    assert data.protocol["partial"] == "1 of 14 categories"


@pytest.mark.parametrize("inside", ["MME_Benchmark", "MME_Benchmark_release_version/MME_Benchmark"])
def test_the_folders_of_the_archive_are_looked_through(tmp_path: Path, inside: str) -> None:
    picture(tmp_path / inside, "count", "0001")
    assert list(opened(tmp_path).image_ids) == ["count/0001"]


def test_categories_share_file_names(tmp_path: Path) -> None:
    for category in ("count", "scene", "OCR"):
        picture(tmp_path, category, "0001")
    assert list(opened(tmp_path).image_ids) == ["count/0001", "scene/0001", "OCR/0001"]


def test_right_answers_have_the_most_that_mme_gives(tmp_path: Path) -> None:
    make_tiny("mme", tmp_path / "set", 2)
    data = opened(tmp_path / "set", partial=False)
    metric = Mme()
    records = [
        metric.record(
            each.id, each.image_id, each.category, each.question.references[0], truth=each.truth
        )
        for image_id in data.image_ids
        for each in data.questions(image_id)
    ]
    scores = {each.metric: each.interval for each in metric.scores(records)}
    perception, cognition = scores["MME perception"], scores["MME cognition"]
    assert perception is not None and perception.value == 2000
    assert cognition is not None and cognition.value == 800
    assert {f"MME {name}" for name in (*PERCEPTION, *COGNITION)} <= set(scores)


def test_a_category_that_is_missing_is_named(tmp_path: Path) -> None:
    make_tiny("mme", tmp_path / "set", 1)
    root = unpublished(tmp_path / "set")
    assert "partial" not in opened(root, partial=False).protocol
    (root / "OCR").rename(tmp_path / "OCR")
    with pytest.raises(BadSampleError, match="MME has 14 categories; .* lacks OCR. Get them"):
        opened(root, partial=False)
    assert opened(root).protocol["partial"] == "13 of 14 categories"
    with pytest.raises(BadSampleError, match="has none of MME's categories: no folder existence"):
        opened(tmp_path / "set" / "count")


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    make_tiny("mme", tmp_path / "set", 2)
    (tmp_path / "set" / "scene" / "images" / "0001.png").unlink()
    with pytest.raises(BadSampleError, match="1 of the 28 images of mme are missing"):
        opened(tmp_path / "set", partial=False)
    data = opened(tmp_path / "set")
    assert data.protocol["partial"] == "54 of 56 sentences"
    assert [each.image_id for each in data.skipped] == ["scene/0001"]
    assert "scene/0001" not in data.image_ids


def test_a_rendered_set_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    make_tiny("mme", tmp_path / "set", 2)
    (tmp_path / "set" / "count" / "0001.txt").unlink()
    with pytest.raises(
        BadSampleError, match="mme holds 27 images, not 28 and 54 sentences, not 56"
    ):
        opened(tmp_path / "set", partial=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "two questions on each image, .*0002.txt has 0"),
        (LINES.splitlines()[0], "has 1"),
        (LINES + LINES, "has 4"),
        (LINES.replace("No", "Maybe"), "is no question, tab, Yes or No: 'Is it a dog"),
        (LINES.replace("\t", " "), "is no question, tab"),
        ("\tYes\nIs it?\tNo", "is no question, tab"),
        ("\0", "it is no text"),
    ],
)
def test_questions_that_cannot_be_read_are_left_out(tmp_path: Path, text: str, reason: str) -> None:
    picture(tmp_path, "count", "0001")
    picture(tmp_path, "count", "0002", text)
    data = opened(tmp_path)
    assert list(data.image_ids) == ["count/0001"]
    [skipped] = data.skipped
    assert skipped.image_id == "count/0002"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(skipped.reason)


def test_the_digest_changes_with_a_truth(tmp_path: Path) -> None:
    for name, text in (("a", LINES), ("b", LINES), ("c", LINES.replace("No", "Yes"))):
        picture(tmp_path / name, "count", "0001", text)
    one, same, other = (opened(tmp_path / name).digest for name in "abc")
    assert one == same != other


def test_other_splits_and_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOptionError, match="has the split test alone, got 'val'"):
        open_dataset("mme", tmp_path, split="val")
    with pytest.raises(BadOptionError, match="takes no words"):
        open_dataset("mme", tmp_path, words="words.json")
    with pytest.raises(BadOptionError, match="read from a folder"):
        open_dataset("mme")
