"""Lines that are appended and read back from where they begin."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import pytest

from vlmscope.data.log.line_file import LineFile
from vlmscope.errors import OutputError


@pytest.mark.parametrize("name", [None, "lines"])
@pytest.mark.parametrize("length", [3, 100_000])
def test_lines_are_read_back_in_any_order(tmp_path: Path, name: str | None, length: int) -> None:
    path = None if name is None else tmp_path / name
    if path is not None:
        path.write_bytes(b"head\n")
    lines = LineFile(path)
    offsets = [lines.append(f"{number} é" * length) for number in range(30)]
    for number in (29, 0, 7, 7, 28):
        assert lines.read(offsets[number]).decode() == f"{number} é" * length + "\n"


def test_a_temporary_file_is_gone_with_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lines = LineFile(None)
    offset = lines.append("x" * (2 << 20))
    assert len(lines.read(offset)) == (2 << 20) + 1
    del lines
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Cannot read .*gone"):
        LineFile(tmp_path / "gone").read(0)


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of the line comes later."""
    path = Path("/dev/full")
    if not path.exists():
        pytest.skip("this system has no full disk")
    with pytest.raises(OutputError, match="Cannot write /dev/full: No space left"):
        LineFile(path).append("line")
