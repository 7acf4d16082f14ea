"""Lists are cut into rows at line feeds alone, and every kind of list is read the same way."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vlmscope.data.rows import read_rows, scene_request, text_field
from vlmscope.errors import BadSampleError, UnknownNameError

SEPARATORS = "a\u2028b\u2029c\u0085d"  # str.splitlines() cuts at each of them


def read(path: Path) -> list[Any]:
    return [(row.number, row.record()) for row in read_rows(path, "list", "{}")]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "samples.jsonl"
    path.write_bytes(content)
    return path


def test_separators_inside_a_text_do_not_cut_a_row(tmp_path: Path) -> None:
    line = json.dumps({"phrase": SEPARATORS}, ensure_ascii=False)
    path = written(tmp_path, f"{line}\n\n{line}\n".encode())
    assert read(path) == [(1, {"phrase": SEPARATORS}), (3, {"phrase": SEPARATORS})]


def test_a_carriage_return_between_values_does_not_end_a_row(tmp_path: Path) -> None:
    assert read(written(tmp_path, b'{"a":\r1}\n{"a": 2}\n')) == [(1, {"a": 1}), (2, {"a": 2})]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_files_of_windows_editors_are_read(tmp_path: Path, start: bytes, end: bytes) -> None:
    path = written(tmp_path, start + end.join([b'{"a": 1}', b"", b'{"a": "\xc3\xbc"}', b""]))
    assert read(path) == [(1, {"a": 1}), (3, {"a": "ü"})]


def test_places_are_beside_the_list_and_a_folder_stands_for_its_list(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"image": "x/a.png"}')
    (row,) = read_rows(tmp_path, "list", "{}")
    assert row.file == path
    assert row.place("x/a.png") == tmp_path / "x" / "a.png"


def test_a_row_that_is_no_object_is_refused_when_it_is_read(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, b"{\n[1]\n" + b"[" * 100_000), "list", "{}")
    for row, words in zip(rows, ["not JSON", "object, got list", "too deeply"], strict=True):
        with pytest.raises(BadSampleError, match=words):
            row.record()


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"Cannot read the list of x .*none: No such file"):
        read_rows(tmp_path / "none", "list of x", "{}")
    with pytest.raises(BadSampleError, match="UTF-16 and not UTF-8 text, save it as UTF-8"):
        read_rows(written(tmp_path, '{"a": 1}'.encode("utf-16")), "list", "{}")
    with pytest.raises(BadSampleError, match=r"not UTF-8 text \(byte 0xe9 in line 2\)"):
        read_rows(written(tmp_path, b'{}\n{"a": "\xe9"}\n'), "list", "{}")
    with pytest.raises(BadSampleError, match=r"compressed \(gzip\), unpack it first"):
        read_rows(written(tmp_path, gzip.compress(b'{"a": 1}')), "list", "{}")
    with pytest.raises(BadSampleError, match="Cannot read"):
        read_rows("a\0b", "list", "{}")


@pytest.mark.parametrize(
    ("source", "request_"),
    [
        ("tiny-scenes", (7, ("a", "b"))),
        ("tiny-scenes:012", (12, ("a", "b"))),
        ("tiny-scenes:3:b", (3, ("b",))),
        ("tiny-scenes:b,a", (7, ("b", "a"))),
        ("tiny-scenes.jsonl", None),
        (Path("tiny"), None),
    ],
)
def test_scenes_are_asked_for_by_one_grammar(source: Any, request_: Any) -> None:
    assert scene_request(source, 7, ("a", "b")) == request_


@pytest.mark.parametrize("text", ["tiny-scenes:", "tiny-scenes:0", "tiny-scenes:1000000"])
def test_nonsense_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(BadSampleError, match="tiny-scenes, tiny-scenes:N or tiny-scenes:N:KIND"):
        scene_request(text, 7, ("a",))
    with pytest.raises(BadSampleError, match="written tiny-scenes or tiny-scenes:N with N from 1"):
        scene_request(text, 7)


def test_kinds_are_refused_where_there_are_none_or_others() -> None:
    with pytest.raises(BadSampleError, match="tiny-scenes:N with"):
        scene_request("tiny-scenes:3:a", 7)
    with pytest.raises(UnknownNameError, match="'a'"):
        scene_request("tiny-scenes:3:aa", 7, ("a",))


def test_a_text_field_is_the_first_of_its_names_that_is_there() -> None:
    assert text_field({"text": "t"}, "phrase", "text") == "t"
    assert text_field({"text": "t", "phrase": "p"}, "phrase", "text") == "p"
    assert text_field({"text": " "}, "text", empty=True) == " "
    wrong: Any
    for wrong in (" ", 7, None, "a\0", np.zeros(3)):
        with pytest.raises(BadSampleError, match="'text' must be a text, it is "):
            text_field({"text": wrong}, "phrase", "text")
    with pytest.raises(BadSampleError, match="'phrase' must be a text, it is missing"):
        text_field({}, "phrase", "text")
