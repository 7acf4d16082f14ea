"""Folders, patterns and lists of paths."""

from __future__ import annotations

import io
import os
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vlmscope.errors import BadImageError, BadOptionError, BadSampleError
from vlmscope.labels.sources import Columns, Source, open_source

NONE = Columns()


def _ids(source: Source) -> list[str]:
    return [item.id for item in source.items()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    for name in (
        "b.jpg",
        "a.PNG",
        "deep/c.webp",
        "deep/er/d.tif",
        "notes.txt",
        ".e.jpg",
        ".git/f.jpg",
    ):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return place


def test_a_folder_is_walked_by_name(folder: Path) -> None:
    source = open_source(folder, NONE)
    assert _ids(source) == ["a.PNG", "b.jpg", "deep/c.webp", "deep/er/d.tif"]
    items = list(source.items())
    assert Path(source.open(items[2])).read_bytes() == b"deep/c.webp"  # type: ignore[arg-type]


def test_results_beneath_the_images_are_no_images(folder: Path) -> None:
    (folder / "out" / "pages").mkdir(parents=True)
    (folder / "out" / "pages" / "x.png").touch()
    assert len(_ids(open_source(folder, NONE))) == 5
    assert len(_ids(open_source(folder, NONE, folder / "out"))) == 4
    with pytest.raises(BadOptionError, match="the folder of the images"):
        open_source(folder, NONE, folder)


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "deep" / "circle").symlink_to(folder)
    (folder / "link.png").symlink_to(folder / "a.PNG")
    assert _ids(open_source(folder, NONE)).count("link.png") == 1
    assert len(_ids(open_source(folder, NONE))) == 5


def test_a_name_that_is_no_text_is_an_image_all_the_same(folder: Path) -> None:
    raw = os.fsencode(folder) + b"/\xff.jpg"
    with open(raw, "wb") as stream:  # noqa: PTH123
        stream.write(b"odd")
    source = open_source(folder, NONE)
    (item,) = (each for each in source.items() if "xff" in each.id)
    assert item.id == "\\xff.jpg"
    assert Path(source.open(item)).read_bytes() == b"odd"  # type: ignore[arg-type]


def test_a_pattern_counts_ids_from_its_last_plain_folder(folder: Path) -> None:
    source = open_source(f"{folder}/**/*", NONE)
    assert _ids(source) == ["a.PNG", "b.jpg", "deep/c.webp", "deep/er/d.tif"]
    assert _ids(open_source(f"{folder}/deep/c.*", NONE)) == ["c.webp"]


def test_a_list_keeps_paths_as_they_are_written(folder: Path) -> None:
    (folder / "list.txt").write_bytes(b"\xef\xbb\xbfb.jpg\r\n\r\ndeep/c.webp\r\n")
    source = open_source(folder / "list.txt", NONE)
    assert _ids(source) == ["b.jpg", "deep/c.webp"]
    assert Path(source.open(next(source.items()))).read_bytes() == b"b.jpg"  # type: ignore[arg-type]


def test_a_list_in_another_encoding_is_said(folder: Path) -> None:
    (folder / "list.txt").write_bytes("b.jpg\n".encode("utf-16"))
    with pytest.raises(BadSampleError, match="UTF-16"):
        list(open_source(folder / "list.txt", NONE).items())


def test_a_list_on_stdin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(f"{folder}/b.jpg\n".encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    source = open_source("-", NONE)
    assert _ids(source) == _ids(source) == [f"{folder}/b.jpg"]


def test_stdin_of_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(BadImageError, match="nothing comes in"):
        open_source("-", NONE)


def test_a_list_of_paths_leaves_them_at_home_when_it_travels(folder: Path) -> None:
    source = open_source([folder / "b.jpg"] * 1000, NONE)
    item = next(source.items())
    there = pickle.loads(pickle.dumps(source.opener()))  # noqa: S301
    assert len(pickle.dumps(source.opener())) < 1000
    assert Path(there.open(item)).read_bytes() == b"b.jpg"


def test_pixels_have_no_id() -> None:
    with pytest.raises(BadImageError, match="Pixels have no id"):
        open_source([b"bytes"], NONE)


@pytest.mark.parametrize("name", ["missing", "missing.jpg", "photos/notes.md"])
def test_what_is_no_source_is_said(tmp_path: Path, folder: Path, name: str) -> None:
    (folder / "notes.md").touch()
    with pytest.raises(BadImageError, match="There is no|is no source"):
        open_source(str(tmp_path / name), NONE)


def test_a_folder_has_no_columns(folder: Path) -> None:
    with pytest.raises(BadOptionError, match="has no columns"):
        open_source(folder, Columns(phrase="caption"))


def test_a_folder_that_is_taken_away_is_told(folder: Path) -> None:
    source = open_source(folder, NONE)
    assert source.gone() is None
    folder.rename(folder.parent / "elsewhere")
    assert "no longer there" in str(source.gone())


def test_a_long_listing_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first image is there before a later folder is looked into."""
    for name in ("a/x.jpg", "b/y.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    looked: list[str] = []
    scandir = os.scandir

    def watched(place: str) -> object:
        looked.append(Path(place).name)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", watched)
    assert next(open_source(tmp_path, NONE).items()).id == "a/x.jpg"
    assert "b" not in looked
