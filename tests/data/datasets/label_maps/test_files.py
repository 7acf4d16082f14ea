"""Lists of splits, and files that belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.data.datasets import open_dataset
from vlmscope.data.datasets.label_maps.files import beside, files_below, names_of_split
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadSampleError


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_names_are_lines_and_one_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = written(tmp_path / "val.txt", "\ufeff2007_000033\r\n\n 2007_000042 \n2007_000033\n")
    names, twice = names_of_split(path, "Get it.")
    assert names == ["2007_000033", "2007_000042"]
    [again] = twice
    assert again.image_id == "2007_000033" and "Line 4 of val.txt repeats it" in again.reason


@pytest.mark.parametrize(
    "text",
    ["2008_000002 -1\n", "JPEGImages/a.jpg SegmentationClass/a.png\n", "../secret\n", "a/b\n"],
)
def test_lines_of_another_form_are_refused(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "val.txt", f"2007_000033\n{text}")
    with pytest.raises(BadSampleError, match=r"Line 2 of .*val.txt is .* Get it\."):
        names_of_split(path, "Get it.")


def test_a_list_that_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"Cannot read the list of the split.* Get it\."):
        names_of_split(tmp_path / "val.txt", "Get it.")
    with pytest.raises(BadSampleError, match=r"val.txt, is empty\. Get it\."):
        names_of_split(written(tmp_path / "val.txt", "\n \n"), "Get it.")


def test_a_list_of_another_set_names_the_first_file_that_is_missing(tmp_path: Path) -> None:
    make_tiny("voc21", tmp_path / "set", 2)
    listing = tmp_path / "set/VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt"
    written(listing, "000005\n000007\n")
    with pytest.raises(
        BadSampleError, match=r"2 of the 2 images of voc21 val are missing.*000005.jpg"
    ):
        open_dataset("voc21", tmp_path / "set")
    with pytest.raises(BadSampleError, match="None of the 2 images of voc21 val is there"):
        open_dataset("voc21", tmp_path / "set", partial=True)
    with pytest.raises(BadSampleError, match=r"Cannot read the list of the split, .*test.txt"):
        open_dataset("voc21", tmp_path / "set", split="test")


def test_files_below_by_name_without_their_ending(tmp_path: Path) -> None:
    for name in ("b/2_x.png", "a/1_x.png", "a/.hidden_x.png", "a/3.txt", ".git/4_x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(files_below(tmp_path, ("_x.png",))) == ["1", "2"]
    assert files_below(tmp_path / "none", (".png",)) == {}
    (tmp_path / "b/1_x.png").touch()
    with pytest.raises(BadSampleError, match="Two files are called '1'"):
        files_below(tmp_path, ("_x.png",))


def test_whichever_ending_there_is(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert beside(tmp_path, "a", (".jpg", ".png")) == tmp_path / "a.png"
    assert beside(tmp_path, "b", (".jpg", ".png")) == tmp_path / "b.jpg"
