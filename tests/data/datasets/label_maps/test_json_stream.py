"""JSON read piece by piece says what JSON read whole says."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from vlmscope.data.datasets.label_maps import json_stream
from vlmscope.data.datasets.label_maps.json_stream import stream_lists
from vlmscope.errors import BadSampleError


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def value(rng: random.Random, depth: int = 0) -> Any:
    kinds = ("number", "float", "text", "bool", "none") + (("list", "dict") if depth < 3 else ())
    match rng.choice(kinds):
        case "number":
            return rng.randrange(-(10**9), 10**9)
        case "float":
            return rng.uniform(-1e6, 1e6)
        case "text":
            return "".join(rng.choice('ab"\\]},:é😀 \n') for _ in range(rng.randrange(12)))
        case "bool":
            return rng.random() < 0.5
        case "none":
            return None
        case "list":
            return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
        case _:
            return {f"k{i}": value(rng, depth + 1) for i in range(rng.randrange(4))}


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_elements_of_lists_as_json_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    rng = random.Random(0)
    for number in range(40):
        content = {f"key {index} []": value(rng) for index in range(rng.randrange(6))}
        indent = rng.choice((None, 1, "\t"))
        path = written(
            tmp_path / "a.json", json.dumps(content, indent=indent, ensure_ascii=number % 2)
        )
        lists = {key: each for key, each in content.items() if isinstance(each, list)}
        expected = [(key, element) for key, each in lists.items() for element in each]
        assert list(stream_lists(path)) == expected


def test_what_was_read_is_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", 100)
    longest = 0
    inner = json_stream._Text._more

    def more(self: Any, count: int) -> bool:
        nonlocal longest
        answer = inner(self, count)
        longest = max(longest, len(self._text))
        return answer

    monkeypatch.setattr(json_stream._Text, "_more", more)
    path = written(tmp_path / "a.json", json.dumps({"rows": [{"n": n} for n in range(5000)]}))
    assert sum(1 for _ in stream_lists(path)) == 5000
    assert longest < 1000 < path.stat().st_size


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "breaks off"),
        ("[1]", "belongs"),
        ('{"a": [1, 2', "breaks off"),
        ('{"a": [1 2]}', "belongs"),
        ('{"a": [1,]}', "comma before"),
        ('{"a": [nope]}', "Expecting value"),
        ('{"a" [1]}', "belongs"),
    ],
)
def test_no_json_is_refused_with_its_path(tmp_path: Path, text: str, reason: str) -> None:
    path = written(tmp_path / "a.json", text)
    with pytest.raises(BadSampleError, match=rf"Cannot read the annotations .*a.json: .*{reason}"):
        list(stream_lists(path))


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="No such file"):
        list(stream_lists(tmp_path / "none.json"))
    (tmp_path / "a.json").write_bytes(b'{"a": ["\xff"]}')
    with pytest.raises(BadSampleError, match="not UTF-8"):
        list(stream_lists(tmp_path / "a.json"))
