"""The log of finished samples: whole lines only, and never of another model."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from vlmscope.data.resume import SampleLog, how_many, measured, walk
from vlmscope.errors import BadImageError, BadSampleError, ModelMismatchError, OutputError

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


def test_a_line_torn_inside_a_record_that_is_json_by_itself_is_dropped(tmp_path: Path) -> None:
    """Only the line feed says that a line was written to its end."""
    path = tmp_path / "state.jsonl"
    SampleLog(path, HEADER).add("one", {"x": 1})
    with path.open("a") as stream:
        stream.write('{"id": "two", "x": 2}')
    log = SampleLog(path, HEADER)
    assert "two" not in log
    log.add("two", {"x": 3})
    assert SampleLog(path, HEADER)["two"]["x"] == 3


def test_a_torn_header_is_no_state_file(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    path.write_text('{"format": "vlmscope-samples/1"')
    with pytest.raises(OutputError, match="not a state file"):
        SampleLog(path, HEADER)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_state_files_that_went_through_an_editor_are_read(
    tmp_path: Path, start: str, end: str
) -> None:
    path = tmp_path / "state.jsonl"
    text = "a\u2028b\u0085c"
    log = SampleLog(path, HEADER)
    log.add("one", {"text": text})
    log.add("two", {"x": 2})
    lines = [json.dumps(json.loads(line), ensure_ascii=False) for line in path.open()]
    path.write_bytes((start + end.join([*lines, ""])).encode())
    again = SampleLog(path, HEADER)
    assert len(again) == 2
    assert again["one"]["text"] == text
    again.add("three", {"x": 3})
    assert len(SampleLog(path, HEADER)) == 3


def test_two_logs_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    SampleLog(path, HEADER)
    path.write_text(path.read_text() * 2)
    with pytest.raises(OutputError, match="not a state file"):
        SampleLog(path, HEADER)


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


def test_without_a_path_records_are_kept_until_the_log_is_gone() -> None:
    log = SampleLog(None, HEADER)
    log.add("one", {"x": (1, 2)})
    assert log["one"] == {"id": "one", "x": [1, 2]}
    with pytest.raises(KeyError, match="two"):
        log["two"]


@pytest.mark.parametrize("name", [None, "state.jsonl"])
def test_memory_holds_no_records(tmp_path: Path, name: str | None) -> None:
    """A hundred bytes of index for each, of records of any length."""
    path = None if name is None else tmp_path / name
    log = SampleLog(path, HEADER)
    record, count = {"text": "x" * 8000}, 1000
    log.add("first", record)
    tracemalloc.start()
    for number in range(count):
        log.add(f"{number:09d}", record)
    for number in range(count):
        assert log[f"{number:09d}"]["text"] == record["text"]
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # a temporary file begins in memory
    assert kept < 100 * count + (0 if name else 2 << 20)


def test_memory_holds_no_records_of_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    log = SampleLog(path, HEADER)
    for number in range(500):
        log.add(f"{number:09d}", {"text": "x" * 8000})
    tracemalloc.start()
    again = SampleLog(path, HEADER)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(again) == 500
    assert kept < 100 * 500 and peak < 500_000


def test_a_later_record_of_a_sample_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    log = SampleLog(tmp_path / "state.jsonl", HEADER)
    log.add("one", {"x": 1})
    log.add("one", {"x": 2})
    for each in (log, SampleLog(tmp_path / "state.jsonl", HEADER)):
        assert len(each) == 1 and each["one"]["x"] == 2


def test_records_are_found_between_additions(tmp_path: Path) -> None:
    """What is read ahead of one record must not hide those that come after."""
    log = SampleLog(tmp_path / "state.jsonl", HEADER)
    for number in range(50):
        log.add(str(number), {"x": number})
        assert [log[str(each)]["x"] for each in range(number + 1)] == list(range(number + 1))


def test_a_state_file_that_is_changed_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    log = SampleLog(path, HEADER)
    log.add("one", {"x": 1})
    log.add("two", {"x": 2})
    path.write_text(path.read_text().replace('"one"', '"uno"'))
    with pytest.raises(OutputError, match="changed while it was in use"):
        log["one"]
    assert log["two"]["x"] == 2


def test_a_state_file_that_is_taken_away_meanwhile_is_not_begun_without_its_header(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.jsonl"
    log = SampleLog(path, HEADER)
    path.unlink()
    with pytest.raises(OutputError, match="Cannot write"):
        log.add("one", {"x": 1})
    assert not path.exists() and "one" not in log


def test_a_finished_state_is_read_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.jsonl"
    SampleLog(path, HEADER).add("one", {"x": 1})
    opened = Path.open

    def read_only(place: Path, mode: str = "r", **options: Any) -> Any:
        if set(mode) & set("aw+x"):
            raise PermissionError(13, "Permission denied")
        return opened(place, mode, **options)

    monkeypatch.setattr(Path, "open", read_only)  # root may write everywhere
    log = SampleLog(path, HEADER)
    assert log["one"]["x"] == 1
    with pytest.raises(OutputError, match="Permission denied"):
        log.add("two", {"x": 2})


def test_a_line_torn_inside_a_letter_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    SampleLog(path, HEADER).add("one", {"x": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + '{"id": "two", "text": "é'.encode()[:-1])
    assert len(SampleLog(path, HEADER)) == 1
    assert path.read_bytes() == whole


def test_a_folder_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        SampleLog(tmp_path, HEADER)


def job(log: SampleLog, words: Iterable[str], calls: list[str], **options: Any) -> Any:
    def measure(word: str) -> dict[str, Any]:
        calls.append(word)
        if word == "bad":
            raise BadSampleError("it is bad")
        if word == "stop":
            raise KeyboardInterrupt
        return {"length": len(word)}

    return measured(words, log, measure, key=lambda word: word.lower(), title="job", **options)


def test_only_what_the_log_lacks_is_measured_and_nothing_is_lost_on_the_way(tmp_path: Path) -> None:
    calls: list[str] = []
    path = tmp_path / "state.jsonl"
    with pytest.raises(KeyboardInterrupt):
        job(SampleLog(path, HEADER), ["one", "three", "stop", "four"], calls)
    done = job(SampleLog(path, HEADER), iter(["one", "THREE", "four", "one"]), calls)
    assert calls == ["one", "three", "stop", "four"]
    assert done.ids == ("one", "three", "four")
    assert done.skipped == (
        ("one", "It shows and asks the same as an earlier one, which counts once."),
    )
    assert SampleLog(path, HEADER)["four"]["length"] == 4


def test_bad_items_are_left_out_with_their_reason_and_other_errors_end_the_job() -> None:
    log = SampleLog(None, HEADER)
    done = job(log, ["bad", "one"], [], bad=(BadImageError, BadSampleError))
    assert done.ids == ("one",)
    assert done.skipped == (("bad", "it is bad"),)
    with pytest.raises(BadSampleError, match="it is bad"):
        job(log, ["bad", "one"], [], bad=(BadImageError,))


def test_a_bar_shows_on_stderr_only_when_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    job(SampleLog(None, HEADER), iter("ab"), [])
    assert capsys.readouterr() == ("", "")
    job(SampleLog(None, HEADER), iter("ab"), [], progress=True, total=2, unit="letter")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "job: 100%" in shown.err
    assert "2/2" in shown.err
    assert "letter/s" in shown.err


def test_the_bar_says_what_an_earlier_run_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state.jsonl"
    job(SampleLog(path, HEADER), ["one", "three"], [], progress=True)
    assert "done before" not in capsys.readouterr().err
    job(SampleLog(path, HEADER), ["one", "two", "three"], [], progress=True)
    assert "2 done before" in capsys.readouterr().err


def test_the_bar_shows_the_time_left_of_what_is_still_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nine hundred that an earlier run did take no time, and must not make the rest look quick."""

    def step(number: int) -> bool:
        if number < 900:
            return True
        if number == 903:
            raise KeyboardInterrupt
        time.sleep(0.15)
        return False

    with pytest.raises(KeyboardInterrupt):
        walk(range(1000), step, title="walk", progress=True)
    shown = re.findall(r"90[23]/1000 \[\d\d:\d\d<(\d\d):(\d\d)", capsys.readouterr().err)
    assert shown
    minutes, seconds = shown[-1]
    assert 60 * int(minutes) + int(seconds) >= 97 * 0.15 - 1


def test_a_walk_takes_every_step_in_order() -> None:
    steps: list[int] = []
    assert walk(iter([3, 1, 2]), steps.append, title="walk") == []
    assert steps == [3, 1, 2]


def test_how_many_there_are_is_known_of_lists_alone() -> None:
    assert how_many([1, 2]) == 2
    assert how_many(iter([1, 2])) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.5", "0.75"), ("0.5", "null"), ("[0.5, 0.25]", "0.5"), ('"check"', '"chick"')],
)
def test_a_line_that_is_not_as_it_was_written_is_refused(
    tmp_path: Path, old: str, new: str
) -> None:
    path = tmp_path / "state.jsonl"
    log = SampleLog(path, HEADER)
    log.add("one", {"x": 1})
    log.add("two", {"sums": [0.5, 0.25]})
    text = path.read_text()
    assert old in text.splitlines()[2]
    before, _, after = text.rpartition(old)  # of the last line
    path.write_text(before + new + after)
    with pytest.raises(OutputError, match=r"Line 3 of the state file .* is not as it was written"):
        SampleLog(path, HEADER)


def test_the_state_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    SampleLog(path, HEADER)
    path.write_text(path.read_text().replace("vlmscope-samples/2", "vlmscope-samples/1"))
    with pytest.raises(ModelMismatchError, match="another version of vlmscope"):
        SampleLog(path, HEADER)
