"""Which words are pictures and which are phrases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from vlmscope.cli.pictures import sort_words
from vlmscope.errors import BadImageError, BadPhraseError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder one is in: a.png, b.jpg, sub/c.PNG, sub/deep/d.webp, notes.md."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.jpg", "sub/c.PNG", "sub/deep/d.webp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    (tmp_path / "notes.md").write_text("no picture")
    (tmp_path / "cups").mkdir()
    return tmp_path


def sorted_as(*words: str, phrases: tuple[str, ...] = ()) -> tuple[list[str], list[str], bool]:
    pictures, asked = sort_words(words, phrases)
    return [str(file.path) for file in pictures.files], asked, pictures.alone


@pytest.mark.parametrize(
    ("words", "phrases", "expected"),
    [
        (("a.png", "a red cup"), (), (["a.png"], ["a red cup"], True)),
        (("a.png", "b.jpg", "a red cup"), (), (["a.png", "b.jpg"], ["a red cup"], False)),
        # a folder with its subfolders, also when it holds one alone
        (("sub", "a cup"), (), (["sub/c.PNG", "sub/deep/d.webp"], ["a cup"], False)),
        (("sub/deep", "a cup"), (), (["sub/deep/d.webp"], ["a cup"], False)),
        # patterns that no shell has opened
        (("*.png", "a cup"), (), (["a.png"], ["a cup"], False)),
        (("**/*.*[gG]", "a cup"), (), (["a.png", "b.jpg", "sub/c.PNG"], ["a cup"], False)),
        (("?.*", "a cup"), (), (["a.png", "b.jpg"], ["a cup"], False)),
        # phrases as options, beside words and alone
        (("a.png", "one"), ("two", "three"), (["a.png"], ["one", "two", "three"], True)),
        (("a.png", "b.jpg"), ("two",), (["a.png", "b.jpg"], ["two"], False)),
        (("a.png",), ("b.jpg",), (["a.png"], ["b.jpg"], True)),
        # a phrase may end in a question mark, hold brackets, and be empty (refused elsewhere)
        (("a.png", "where is it?", "[x]", ""), (), (["a.png"], ["where is it?", "[x]", ""], True)),
        (("-", "a cup"), (), (["-"], ["a cup"], True)),
        # a file that is no image by its ending is one by being there; open_image says what it is
        (("notes.md", "a cup"), (), (["notes.md"], ["a cup"], True)),
        # in any order
        (("a.png", "a cup", "b.jpg"), (), (["a.png", "b.jpg"], ["a cup"], False)),
    ],
)
def test_words(words: tuple[str, ...], phrases: tuple[str, ...], expected: object) -> None:
    assert sorted_as(*words, phrases=phrases) == expected


@pytest.mark.parametrize("missing", ["none.png", "sub/none.JPEG", "none*.png", "photo"])
def test_a_picture_that_is_missing_is_never_a_phrase(missing: str) -> None:
    words = ("a.png", missing) if "." in missing else (missing, "a.png")
    with pytest.raises(BadImageError, match="There is no image file .*--phrase"):
        sort_words([*words, "a cup"], ())


def test_a_word_that_is_a_folder_here_is_said() -> None:
    Image.new("RGB", (4, 4)).save("cups/e.png")
    pictures, asked = sort_words(["a.png", "cups", "a cat"], ())
    assert [str(file.path) for file in pictures.files] == ["a.png", "cups/e.png"]
    assert asked == ["a cat"]
    assert pictures.notes == (
        "'cups' is a folder here and was taken as one; to ask for it: --phrase cups",
    )
    # no word about places that are written as such
    assert sort_words(["a.png", "cups/", "a cat"], ())[0].notes == ()
    # asked for by name, it is a phrase
    assert sort_words(["a.png"], ["cups"])[1] == ["cups"]


def test_no_phrase_is_said_with_what_was_taken_as_pictures() -> None:
    with pytest.raises(BadPhraseError, match=r"no phrase: 'a.png', 'sub' are .*--phrase"):
        sort_words(["a.png", "sub"], ())
    with pytest.raises(BadPhraseError, match=r"no phrase: 'a.png' is"):
        sort_words(["a.png"], ())


def test_a_folder_without_pictures() -> None:
    with pytest.raises(BadImageError, match="The folder cups holds no image"):
        sort_words(["cups", "a cup"], ())


def test_each_picture_once_however_it_is_named() -> None:
    pictures, _ = sort_words(["sub/deep/../../a.png", "a.png", "*.png", "./a.png", "x"], ())
    assert [str(file.path) for file in pictures.files] == ["sub/deep/../../a.png"]
    assert not pictures.alone
    assert pictures.notes == ("3 pictures are named twice; each is looked at once.",)


def test_a_list_is_read_from_its_own_folder(folder: Path) -> None:
    (folder / "sub/list.txt").write_bytes(b"\xef\xbb\xbfc.PNG\r\n\r\n../a.png\n")
    found, asked, alone = sorted_as("sub/list.txt", "a cup")
    assert found == ["sub/c.PNG", "sub/../a.png"] and asked == ["a cup"] and not alone
    (folder / "empty.txt").write_text("\n \n")
    with pytest.raises(BadImageError, match="The list empty.txt holds no path"):
        sort_words(["empty.txt", "a cup"], ())


def test_results_beneath_the_pictures_are_no_pictures(folder: Path) -> None:
    (folder / "sub/out").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "sub/out/old.png")
    pictures, _ = sort_words(["sub", "a cup"], (), Path("sub/out"))
    assert [file.name for file in pictures.files] == ["sub/c.PNG", "sub/deep/d.webp"]


def test_keys_name_files_without_clashes(folder: Path) -> None:
    for name in ("x/p.png", "y/p.png", "y/p.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(folder / name)
    pictures, _ = sort_words(["x/p.png", "y/p.png", "y/p.jpg", "cup"], ())
    assert [file.key for file in pictures.files] == ["x/p", "y/p.png", "y/p.jpg"]
    pictures, _ = sort_words(["x/p.png", "cup"], ())
    assert [file.key for file in pictures.files] == ["p"]


def test_how_the_words_were_read_is_said() -> None:
    pictures, asked = sort_words(["a.png", "b.jpg", "a cup", "a dog"], ())
    assert pictures.said(asked) == ("2 image files and 2 phrases: 'a cup', 'a dog'",)
    pictures, asked = sort_words(["sub/deep", "a cup"], ())
    assert pictures.said(asked) == ("1 image file and 1 phrase: 'a cup'",)
    pictures, asked = sort_words(["a.png", "a cup"], ())
    assert pictures.said(asked) == ()


def test_ten_thousand_words(folder: Path) -> None:
    for number in range(50):
        os.link(folder / "a.png", folder / f"{number}.png")
    words = [f"{number % 50}.png" for number in range(10_000)]
    pictures, _ = sort_words([*words, "a cup"], ())
    assert len(pictures.files) == 50
    assert pictures.notes == ("9950 pictures are named twice; each is looked at once.",)
