"""5,000 hostile inputs into every door, and proof that the judge sees each fault it is there for."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vlmscope.cli
from tools.fuzz.__main__ import main
from tools.fuzz.doors import call
from tools.fuzz.inputs import Input
from tools.fuzz.judge import faults, verdict
from tools.fuzz.kinds import KINDS, make
from tools.fuzz.library import DOORS
from tools.fuzz.rounds import Tally, run, shares, table
from vlmscope.errors import BadImageError

SHORT, LONG = 300, 5_000


def seeds(inputs: int, seed: int = 0) -> dict[str, list[str]]:
    kinds = shares(inputs, list(KINDS))
    return {kind: [f"{seed}/{at}" for at in range(count)] for kind, count in kinds.items()}


def check(tallies: dict[str, Tally]) -> None:
    failures = [failure for tally in tallies.values() for failure in tally.failures]
    assert not failures, failures[:5]
    for kind, tally in tallies.items():
        assert tally.refused, f"no input of the kind {kind} was hostile"


@pytest.mark.slow
def test_a_short_round_finds_nothing() -> None:
    check(dict(run(seeds(SHORT))))


@pytest.mark.long
def test_a_long_round_finds_nothing() -> None:
    tallies = dict(run(seeds(LONG)))
    check(tallies)
    assert sum(tally.inputs for tally in tallies.values()) >= LONG - len(KINDS)
    assert all(tally.accepted for tally in tallies.values()), "a kind has only hostile inputs"


def wrong(door: Callable[..., Any], tmp_path: Path, *written: str) -> list[str]:
    """What the judge says of a door of the library."""
    case = Input(("@planted",), {"a.txt": b"a"}, written)
    return faults(case, call(case, tmp_path, {**DOORS, "@planted": door}))


def wrong_line(
    door: Callable[..., int],
    tmp_path: Path,
    patch: pytest.MonkeyPatch,
    *written: str,
    json: bool = False,
) -> list[str]:
    """What the judge says of a program that does this in place of its commands."""
    patch.setattr(vlmscope.cli, "main", door)
    case = Input(("ground", *(["--json"] if json else [])), {"a.txt": b"a"}, written)
    return faults(case, call(case, tmp_path))


def test_a_door_that_does_what_it_should_has_no_fault(tmp_path: Path) -> None:
    def refuse() -> None:
        raise BadImageError("The image a.txt is no image. Give another.")

    case = Input(("@planted",), {"a.txt": b"a"})
    outcome = call(case, tmp_path, {"@planted": refuse})
    assert faults(case, outcome) == [] and verdict(outcome) == "refused"


def test_an_error_that_is_not_ours_is_a_fault(tmp_path: Path) -> None:
    [fault] = wrong(lambda: int("x"), tmp_path)
    assert fault.startswith("raised ValueError at ")


class Saying(BadImageError):
    """An error that says what it is told, however long."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


@pytest.mark.parametrize("message", ["", "Set weights_only=False.", "x" * 3_000])
def test_an_error_of_ours_without_a_sentence_is_a_fault(message: str, tmp_path: Path) -> None:
    def refuse() -> None:
        raise Saying(message)

    assert len(wrong(refuse, tmp_path)) == 1


def test_half_a_file_is_a_fault(tmp_path: Path) -> None:
    def write() -> None:
        Path("out.json").write_text('{"a": [1, 2')

    assert wrong(write, tmp_path, "out.json") == ["left half of out.json: b'{\"a\": [1, 2'"]


@pytest.mark.parametrize("name", ["picture.png", "rows.jsonl", "page.html"])
def test_half_a_file_of_other_kinds_is_a_fault(name: str, tmp_path: Path) -> None:
    half = {".png": b"\x89PNG\r\n\x1a\n\0\0", ".jsonl": b'{"a": 1}\n{"b"', ".html": b""}

    def write() -> None:
        Path(name).write_bytes(half[Path(name).suffix])

    assert wrong(write, tmp_path, name)[0].startswith(f"left half of {name}")


@pytest.mark.parametrize("name", ["other.json", ".out-1a2b.json"])
def test_a_file_that_nobody_asked_for_is_a_fault(name: str, tmp_path: Path) -> None:
    [fault] = wrong(lambda: Path(name).write_text("{}"), tmp_path, "out.json")
    assert name in fault


def test_a_file_of_a_call_that_failed_is_a_fault(tmp_path: Path) -> None:
    def write() -> None:
        Path("out.json").write_text("{}")
        raise BadImageError("No.")

    assert wrong(write, tmp_path, "out.json") == ["failed and left out.json"]


def test_a_changed_input_is_a_fault(tmp_path: Path) -> None:
    assert wrong(lambda: Path("a.txt").write_text("b"), tmp_path) == ["changed a.txt"]


def test_a_call_out_is_a_fault_even_where_its_error_is_caught(tmp_path: Path) -> None:
    def ask() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection(("203.0.113.1", 80))

    def ask_by_name() -> None:
        with contextlib.suppress(OSError):
            socket.getaddrinfo("example.org", 80)

    def ask_by_socket() -> None:
        with socket.socket() as one:
            one.connect_ex(("203.0.113.1", 80))

    for number, door in enumerate((ask, ask_by_name)):
        folder = tmp_path / str(number)
        folder.mkdir()
        [fault] = wrong(door, folder)
        assert fault.startswith("called out to ")
    (tmp_path / "socket").mkdir()
    assert wrong(ask_by_socket, tmp_path / "socket")[-1].startswith("called out to ")


@pytest.mark.parametrize(
    "read", [lambda: input(), lambda: sys.stdin.read(), lambda: sys.stdin.buffer.read()]
)
def test_reading_stdin_is_a_fault(read: Callable[[], object], tmp_path: Path) -> None:
    def ask() -> None:
        with contextlib.suppress(EOFError):
            read()

    assert "read stdin" in wrong(ask, tmp_path)


def test_a_door_that_does_not_come_back_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.fuzz.doors.SECONDS", 1)

    def wait() -> None:
        while True:
            pass

    assert wrong(wait, tmp_path)[0].startswith("raised Hang at ")


def test_a_traceback_on_stderr_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def program(words: list[str]) -> int:
        sys.stderr.write("Traceback (most recent call last):\n  File ...\nValueError: x\n")
        return 0

    [fault] = wrong_line(program, tmp_path, monkeypatch)
    assert fault.startswith("a library speaks on stderr: 'Traceback")


@pytest.mark.parametrize(
    "text",
    [
        "vlmscope: error: Unexpected ValueError: x. This is a fault of vlmscope; please report it.\n",
        "vlmscope: error: One thing.\nvlmscope: error: Another.\n",
        "vlmscope: error: One thing.\nand more\n",
        "vlmscope: error: \n",
        "no good\n",
        "",
    ],
)
def test_a_failure_without_its_one_sentence_is_a_fault(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(words: list[str]) -> int:
        sys.stderr.write(text)
        return 2

    assert wrong_line(program, tmp_path, monkeypatch)


@pytest.mark.parametrize("code", [3, 141, 130, -11])
def test_other_exit_codes_are_faults(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wrong_line(lambda words: code, tmp_path, monkeypatch) == [f"ended with the code {code}"]


def test_findings_without_a_word_are_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wrong_line(lambda words: 1, tmp_path, monkeypatch)


def test_ending_the_process_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [fault] = wrong_line(lambda words: sys.exit(2), tmp_path, monkeypatch)
    assert fault.startswith("raised SystemExit")


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1}\nand', "", "{'a': 1}"])
def test_json_that_is_not_strict_is_a_fault(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(words: list[str]) -> int:
        sys.stdout.write(text)
        return 0

    assert wrong_line(program, tmp_path, monkeypatch, json=True)[0].startswith(
        "stdout is no strict"
    )


def test_a_failure_with_json_that_is_no_error_object_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(words: list[str]) -> int:
        sys.stdout.write('{"groundings": []}')
        sys.stderr.write("vlmscope: error: No.\n")
        return 2

    [fault] = wrong_line(program, tmp_path, monkeypatch, json=True)
    assert "no error object" in fault


def test_an_input_is_made_from_its_kind_and_number_alone() -> None:
    for kind in KINDS:
        first = make(kind, "5/17")
        assert first == make(kind, "5/17")
    assert len({make("arguments", f"5/{at}").words for at in range(20)}) > 10


def test_a_round_counts_and_keeps_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def program(words: list[str]) -> int:
        raise ValueError("planted")

    monkeypatch.setattr(vlmscope.cli, "main", program)
    code = main(["--only", "arguments:0/1", "--only", "arguments:0/2", "--keep", str(tmp_path)])
    out = capsys.readouterr().out
    assert code == 1
    assert "raised ValueError" in out and "arguments:0/2  vlmscope" in out
    kept = tmp_path / "arguments-0/2"
    assert (kept / "a.png").is_file()
    assert "planted" in (kept / "FAILURE.txt").read_text()
    row = next(line.split() for line in out.splitlines() if line.startswith("arguments "))
    assert row == ["arguments", "2", "0", "0", "2"]


def test_an_unknown_kind_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"No kind is called pictures; there are image, "):
        main(["pictures"])


def test_shares_follow_the_weights_and_leave_no_kind_out() -> None:
    count = shares(5_000, list(KINDS))
    assert abs(sum(count.values()) - 5_000) <= len(KINDS)
    assert count["image"] == max(count.values())
    assert set(shares(5, list(KINDS)).values()) == {1}
    assert table({"image": Tally(accepted=2, refused=1)}).splitlines()[-1].split() == [
        "all", "3", "2", "1", "0",
    ]  # fmt: skip
