"""Word lists are cut at line feeds alone, in every place that reads one, whatever their encoding."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from vlmscope.analysis.knockout import ObjectWords
from vlmscope.data.classes import ClassList
from vlmscope.data.datasets.words import WordList
from vlmscope.data.text_files import TextFile, text_lines
from vlmscope.errors import BadOptionError, BadPhraseError, VlmscopeWarning

# str.splitlines() cuts at each of them
SEPARATORS = "\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"


def classes(path: Path) -> set[str]:
    return set(ClassList.read(path).names)


def words(path: Path) -> set[str]:
    return set(WordList.load(path).labels)


def objects(path: Path) -> set[str]:
    return set(ObjectWords.read(path).to_dict().values())


READERS = (classes, words, objects)
Reader = Callable[[Path], set[str]]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "words.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("read", READERS)
def test_a_separator_that_is_no_line_feed_does_not_make_two_of_one(
    read: Reader, separator: str, tmp_path: Path
) -> None:
    path = written(tmp_path, f"polar{separator}bear\ncat\n".encode())
    assert {" ".join(name.split()) for name in read(path)} == {"polar bear", "cat"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("read", READERS)
def test_files_of_every_editor_are_read_alike(
    read: Reader, end: str, encoding: str, tmp_path: Path
) -> None:
    path = written(tmp_path, end.join(["κύκλος", "", "café", ""]).encode(encoding))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(path) == {"κύκλος", "café"}


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    assert text_lines("a\u2028b\r\n\nc\rd\n") == ["a\u2028b", "", "c\rd", ""]
    assert text_lines("") == [""]
    assert text_lines("a b\rc\r") == ["a b", "c", ""], "as spreadsheets on a Mac export it"


@pytest.mark.parametrize("read", [words, objects])
def test_a_guess_at_the_encoding_is_said(read: Reader, tmp_path: Path) -> None:
    path = written(tmp_path, "tree\n\ncafé\n".encode("cp1252"))
    with pytest.warns(VlmscopeWarning, match="read as Windows-1252; line 3 is 'café'"):
        assert read(path) == {"tree", "café"}


@pytest.mark.parametrize("error", [BadPhraseError, BadOptionError])
def test_a_file_that_cannot_be_read_is_one_sentence_with_a_way_out(
    error: type[BadPhraseError | BadOptionError], tmp_path: Path
) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(error) as caught:
            TextFile.read(path, "list of x", "Give another.", error)
        assert str(caught.value).startswith("Cannot read the list of x '")
        return str(caught.value)

    assert "Is a directory. Give another." in refused(tmp_path)
    assert "No such file" in refused(tmp_path / "none.txt")
    assert refused(Path("a\0b")).endswith("null byte.")
    assert "zero bytes" in refused(written(tmp_path, b"a\0b"))
    assert "not valid UTF-16: byte 2" in refused(written(tmp_path, b"\xff\xfea"))
    assert "the limit is 8,388,608" in refused(written(tmp_path, b"a" * (8 << 20) + b"b"))


@pytest.mark.parametrize(
    ("data", "named"), [(b"\xef\xbb\xbf\xfftiny\n", "UTF-8"), (b"\xff\xfea\x00\xd8", "UTF-16")]
)
def test_an_encoding_is_called_by_the_name_that_people_know(
    tmp_path: Path, data: bytes, named: str
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    with pytest.raises(BadPhraseError, match=rf"not valid {named}: byte"):
        TextFile.read(path, "list", "Give another.")
