"""Class lists: however they are written, the same classes; every contradiction one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.data.classes import MAX_NAME, ClassList, TextClass
from vlmscope.errors import BadPhraseError
from vlmscope.types import MAX_CLASSES

PEOPLE = TextClass("person", ("man", "woman", "child"))


def file(folder: Path, text: str | bytes) -> Path:
    path = folder / "words.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_text_with_commas() -> None:
    found = ClassList.of(" dog,  polar  bear ,person: man|woman| child,")
    assert found.names == ("dog", "polar bear", "person")
    assert found.classes[2] == PEOPLE
    assert found.texts == ("dog", "polar bear", "man", "woman", "child")
    assert found.owners == (0, 1, 2, 2, 2)
    assert found.notes == ()


def test_a_file_has_one_class_per_line_and_commas_are_part_of_it(tmp_path: Path) -> None:
    path = file(tmp_path, "tabby, tabby cat\r\n\n   \nperson: man|woman|child\n")
    for source in (path, str(path)):
        found = ClassList.of(source)
        assert found.names == ("tabby, tabby cat", "person")
        assert found.classes[1] == PEOPLE


def test_sequences_and_mappings() -> None:
    assert ClassList.of(["dog", PEOPLE, "person2: man 2"]).names == ("dog", "person", "person2")
    found = ClassList.of({"dog": "dog", "person": ["man", " woman ", "child", "", "man"]})
    assert found.classes == (TextClass("dog", ("dog",)), PEOPLE)
    assert ClassList.of(found) is found


def test_duplicates_become_one_class_and_are_said() -> None:
    found = ClassList.of(["Dog: puppy", "cat", "dog: hound|Puppy", "dog", "cat"])
    assert found.names == ("Dog", "cat")
    assert found.classes[0].texts == ("puppy", "hound", "dog")
    assert found.classes[1].texts == ("cat",)
    assert found.notes == ("2 classes were given more than once and merged: 'Dog', 'cat'",)


def test_a_text_of_two_classes_is_refused() -> None:
    with pytest.raises(BadPhraseError, match="'Man' stands for two classes, 'person' and 'worker'"):
        ClassList.of("person: man|woman, worker: Man")


@pytest.mark.parametrize("source", ["", " , ", [], {}])
def test_no_class(source: object) -> None:
    with pytest.raises(BadPhraseError, match="No class was given"):
        ClassList.of(source)


@pytest.mark.parametrize("text", [": dog", "dog:", "dog: | "])
def test_half_a_class(text: str) -> None:
    with pytest.raises(BadPhraseError, match="written 'name' or 'name: text|text', got"):
        ClassList.of([text])


@pytest.mark.parametrize("source", [7, None, b"dog", [7], {"dog": 7}, {7: "dog"}, {"dog": []}])
def test_what_is_no_class(source: object) -> None:
    with pytest.raises(BadPhraseError, match="class|Classes"):
        ClassList.of(source)


def test_a_thousand_classes_and_the_limit() -> None:
    assert len(ClassList.of([f"thing {i}" for i in range(1000)])) == 1000
    with pytest.raises(BadPhraseError, match="65,536 classes were given and the limit is 65,535"):
        ClassList.of([f"thing {i}" for i in range(MAX_CLASSES + 1)])


def test_a_name_that_no_encoder_reads_is_refused() -> None:
    assert ClassList.of(["x" * MAX_NAME]).names == ("x" * MAX_NAME,)
    for source in (["x" * (MAX_NAME + 1)], {"cat": ["x" * (MAX_NAME + 1)]}):
        with pytest.raises(BadPhraseError, match="name of 10,001 characters .* at most 10,000"):
            ClassList.of(source)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    found = ClassList.of(file(tmp_path, "café\nκύκλος\n".encode(encoding)))
    assert found.names == ("café", "κύκλος")
    assert found.notes == ()


def test_windows_text_is_read_and_said(tmp_path: Path) -> None:
    found = ClassList.of(file(tmp_path, "tree\n\ncafé\n".encode("cp1252")))
    assert found.names == ("tree", "café")
    (note,) = found.notes
    assert "not UTF-8 and was read as Windows-1252; line 3 is 'café'" in note


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"caf\x81\n", "not valid Windows-1252: byte 3 is 0x81"),
        (b"\x00d\x00o\x00g", "holds zero bytes"),
        (b"\xff\xfed\x00o", "not valid UTF-16"),
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
    ],
)
def test_files_that_are_no_list(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(BadPhraseError, match=reason):
        ClassList.of(file(tmp_path, data))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadPhraseError, match="No such file.*Give a text file"):
        ClassList.of(str(tmp_path / "missing.txt"))
    with pytest.raises(BadPhraseError, match="Is a directory"):
        ClassList.of(tmp_path)
