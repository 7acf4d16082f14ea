"""The log of finished samples: whole lines only, and never of another model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmscope.data.resume import SampleLog
from vlmscope.errors import ModelMismatchError, OutputError

HEADER = {"model": "m", "shape": (4, 8), "preset": None}


def test_what_is_added_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    log = SampleLog(path, HEADER)
    log.add("one", {"sums": [0.5, 0.25], "area": [None, 1.0]})
    again = SampleLog(path, HEADER)
    assert "one" in again and "two" not in again and len(again) == 1
    assert again["one"] == log["one"]


def test_a_torn_last_line_is_dropped_and_later_lines_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    log = SampleLog(path, HEADER)
    log.add("one", {"x": 1})
    log.add("two", {"x": 2})
    path.write_text(path.read_text()[:-4])
    again = SampleLog(path, HEADER)
    assert "one" in again and "two" not in again
    again.add("three", {"x": 3})
    assert len(SampleLog(path, HEADER)) == 2
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"model": "other"}, "model 'm', now it is 'other'"), ({"preset": "chat"}, "preset None")],
)
def test_the_state_of_another_model_or_option_is_refused(
    tmp_path: Path, changed: dict, words: str
) -> None:
    path = tmp_path / "state.jsonl"
    SampleLog(path, HEADER).add("one", {"x": 1})
    before = path.read_text()
    with pytest.raises(ModelMismatchError, match=words):
        SampleLog(path, {**HEADER, **changed})
    assert path.read_text() == before


@pytest.mark.parametrize(
    "content", ["hello", "hello\n", '{"a": 1}\n', "[1]\n", '{"format": "x"}\n']
)
def test_a_file_that_is_no_state_file_is_not_written_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(OutputError, match="not a state file"):
        SampleLog(path, HEADER)
    assert path.read_text() == content


def test_an_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    path.touch()
    SampleLog(path, HEADER).add("one", {"x": 1})
    assert "one" in SampleLog(path, HEADER)


def test_without_a_path_everything_stays_in_memory() -> None:
    log = SampleLog(None, HEADER)
    log.add("one", {"x": (1, 2)})
    assert log["one"]["x"] == [1, 2]


def test_a_folder_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        SampleLog(tmp_path, HEADER)
