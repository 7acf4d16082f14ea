"""A process that is killed outright leaves whole files, and the same command ends as if it had not been."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vlmscope.cli import main

STEPS = "models/tiny-llava/steps"
DISCOVERING, SCORING = "discover.paper-pad.refcoco", "score.paper-pad.refcoco.testA"


def words(root: Path, out: Path) -> list[str]:
    named = ["--model", "tiny-llava", "--root", str(root), "--out", str(out), "--quiet"]
    return ["reproduce", "localization-heads", *named]


def contents(folder: Path) -> dict[str, bytes]:
    """Files that a user sees, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def killed_during(step: str, root: Path, out: Path) -> None:
    """Start the command, and kill it when a step has finished its first sample or image."""
    log = out / STEPS / f"{step}.jsonl"
    command = [sys.executable, "-m", "vlmscope", *words(root, out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        until = time.monotonic() + 120
        while run.poll() is None and time.monotonic() < until:
            if log.is_file() and log.read_bytes().count(b"\n") > 1:
                break
            time.sleep(0.005)
        run.kill()
    assert run.returncode != 0, "it had ended before"


def report(out: Path) -> Any:
    return json.loads((out / "report.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves that nobody killed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert main(words(root, out)) == 0
    return out


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_scores_goes_on(
    root: Path, whole: Path, tmp_path: Path
) -> None:
    out, undisturbed = tmp_path / "out", contents(whole)
    killed_during(SCORING, root, out)
    for name, content in contents(out).items():
        growing = name.endswith(".jsonl")
        expected = undisturbed[name]
        assert expected.startswith(content) if growing else expected == content, name
    before = {path: path.stat().st_mtime_ns for path in (out / STEPS).glob("*.json")}
    assert before
    assert main(words(root, out)) == 0
    assert contents(out) == undisturbed
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_discovers_goes_on(
    root: Path, whole: Path, tmp_path: Path
) -> None:
    out, log = tmp_path / "out", f"{STEPS}/{DISCOVERING}.jsonl"
    killed_during(DISCOVERING, root, out)
    lines = contents(out)[log].splitlines()[:-1]  # the last may be torn
    assert main(words(root, out)) == 0
    again = contents(out)[log].splitlines()
    assert again[: len(lines)] == lines
    assert len(again) == len(contents(whole)[log].splitlines())
    # sentences that had shared a pass are read in two: their last digits may differ
    one, other = report(whole), report(out)
    assert other["verdicts"] == one["verdicts"]
    assert [row["measured"]["value"] for row in other["findings"]] == pytest.approx(
        [row["measured"]["value"] for row in one["findings"]], abs=1e-3
    )
