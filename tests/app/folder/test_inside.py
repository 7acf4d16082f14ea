"""Nothing is read that lies elsewhere: no dots, no links, no devices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vlmscope.app.folder.inside import check_inside, is_inside, read_inside
from vlmscope.errors import BadImageError, OutputError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    root = tmp_path / "shown"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.jpg").write_bytes(b"inside")
    (tmp_path / "secret.jpg").write_bytes(b"outside")
    (tmp_path / "shown-too").mkdir()
    (tmp_path / "shown-too" / "b.jpg").write_bytes(b"beside")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "up").symlink_to(tmp_path)
    (root / "own.jpg").symlink_to(root / "deep" / "a.jpg")
    (root / "round").symlink_to(root / "round")
    return root


@pytest.mark.parametrize("name", ["deep/a.jpg", "own.jpg", "deep/../deep/a.jpg"])
def test_what_lies_inside_is_read(place: Path, name: str) -> None:
    assert read_inside(place / name, [place.resolve()], name) == b"inside"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "deep/../../secret.jpg",
        "link.jpg",
        "up/secret.jpg",
        "../shown-too/b.jpg",
        "round",
        "none.jpg",
        "deep/a.jpg/more",
        "a\0b",
        "x" * 5_000,
        "deep",
    ],
)
def test_what_lies_elsewhere_is_not(place: Path, name: str) -> None:
    with pytest.raises(BadImageError) as caught:
        read_inside(place / name, [place.resolve()], "its name")
    assert str(place) not in str(caught.value)
    if name != "deep":
        assert not is_inside(place / name, [place.resolve()])


def test_an_absolute_path_is_not_another_root(place: Path) -> None:
    assert not is_inside(place / "/etc/passwd", [place.resolve()])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(place: Path) -> None:
    os.mkfifo(place / "pipe.jpg")
    with pytest.raises(BadImageError, match="no picture's file"):
        read_inside(place / "pipe.jpg", [place.resolve()], "pipe.jpg")


def test_files_that_lead_out_are_named(place: Path) -> None:
    check_inside([place / "own.jpg"], place)
    with pytest.raises(OutputError, match=r"link\.jpg leads out"):
        check_inside([place / "own.jpg", place / "link.jpg"], place)
