"""Files are written whole or not at all, and a place that cannot be had is named."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
from pathlib import Path

import pytest

from vlmscope.errors import OutputError
from vlmscope.io import (
    atomic_path,
    is_file,
    is_folder,
    is_there,
    parse_json,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [each.name for each in target.parent.iterdir()] == ["a.txt"]


def test_what_a_killed_writer_left_is_taken_over(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    pid = os.fork()
    if pid == 0:
        try:
            with atomic_path(target) as temporary:
                temporary.write_text("half of a long")
                os.kill(os.getpid(), signal.SIGKILL)
        finally:  # not reached, or else there would be two test runs
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    [left] = tmp_path.iterdir()
    assert left.name.startswith(".a-") and left.suffix == ".png"
    with atomic_path(target) as temporary:
        assert temporary == left and temporary.read_text() == ""
        temporary.write_text("whole")
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]
    assert target.read_text() == "whole"


def test_two_writers_of_one_file_keep_apart(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as first:
        first.write_text("first")
        with atomic_path(target) as second:
            second.write_text("second")
            assert first.read_text() == "first"
        with contextlib.suppress(RuntimeError), atomic_path(target) as third:
            third.write_text("third")
            raise RuntimeError
        assert target.read_text() == "second"
    assert target.read_text() == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_name_that_passes_on_while_it_is_awaited_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking, the other writer may put the very file in place."""
    target = tmp_path / "a.txt"
    lock = fcntl.flock

    def late(descriptor: int, way: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        [usual] = tmp_path.iterdir()
        usual.write_text("of the other")
        usual.replace(target)
        lock(descriptor, way)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "of the other"


@pytest.mark.parametrize("planted", ["symlink_to", "hardlink_to"])
def test_a_link_in_the_place_of_the_temporary_file_is_not_written_through(
    tmp_path: Path, planted: str
) -> None:
    mine, target = tmp_path / "mine.txt", tmp_path / "a.txt"
    mine.write_text("of the user")
    with atomic_path(target) as temporary:
        usual = temporary
    getattr(usual, planted)(mine)
    write_text(target, "text")
    assert mine.read_text() == "of the user"
    assert target.read_text() == "text" and not target.is_symlink()


def test_files_are_written_where_none_can_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, way: int) -> None:
        raise OSError(errno.ENOTSUP, "not here")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    write_text(tmp_path / "a.txt", "text")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["text"]


def test_json_is_strict(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nan"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["b.txt", "sub/b.txt"])
def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "a.txt").write_text("here")
    with pytest.raises(OutputError, match=r"a\.txt is a file, not a folder"):
        write_text(tmp_path / "a.txt" / below, "text")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        write_text(tmp_path, "text")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1 column 2"),
        ("[1, NaN]", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("[1e999]", "1e999 is too large"),
        ("1" * 400, "is too large"),
        ("1" * 6000, "is too large"),
        ('{"a": {"b": 1, "b": 1}}', "the key 'b' occurs twice"),
        ("[" * 100_000, "nested too deeply"),
        (r'{"\udc00": 1}', "half of a surrogate pair"),
        ("\ufeff{}", "begins with a byte order mark"),
    ],
)
def test_json_that_python_would_let_pass_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_strict_json_is_read_as_python_reads_it() -> None:
    text = r'{"a": [1, -2.5e3, true, null, "\ud83d\ude00"], "b": {"a": 12345678901234567890}}'
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize("name", ["a" * 300, "a/" + "b" * 5000, "a\0b", ""])
def test_a_name_that_no_system_takes_has_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "x"
    assert not is_there(path) and not is_file(path) and not is_folder(path)


def test_names_that_have_something(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("")
    assert is_there(file) and is_file(file) and not is_folder(file)
    assert is_there(tmp_path) and is_folder(tmp_path) and not is_file(tmp_path)
