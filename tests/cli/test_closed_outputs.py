"""A result that cannot be written is said in one sentence, whatever the command was doing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def called(
    words: list[str], unbuffered: str = "", **streams: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vlmscope", *words],
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        **streams,  # type: ignore[call-overload]
    )


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words", [["--version"], ["models"], ["models", "--json"], ["--help"], ["nonsense", "--json"]]
)
def test_a_full_disk_is_one_sentence(words: list[str], unbuffered: str) -> None:
    with FULL.open("w") as full:
        result = called(words, unbuffered, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("vlmscope: error: The result cannot be written to stdout: No space")
    assert len(lines) <= 1 + ("nonsense" in words)
    assert "fault of vlmscope" not in result.stderr and "Traceback" not in result.stderr


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_notes_that_nobody_can_read_cost_nothing() -> None:
    with FULL.open("w") as full:
        result = called(["models", "--nonsense"], stdout=subprocess.PIPE, stderr=full)
    assert result.returncode == 2


def test_a_process_without_stdout_ends_as_usual() -> None:
    script = "import sys; sys.stdout = None; from vlmscope.cli import main; sys.exit(main(['--version']))"
    result = subprocess.run(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
