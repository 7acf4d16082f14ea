"""``vlmscope reproduce localization-heads``: cost first, findings, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.data.tiny_sets import make_tiny
from vlmscope.reproduce.report import REPORTS

COMMAND = ("reproduce", "localization-heads")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    make_tiny("refcoco", folder / "refcoco", 1)
    return folder


def test_it_says_its_cost_measures_and_writes_a_report(
    run: Any, root: Path, tmp_path: Path
) -> None:
    words = (*COMMAND, "--model", "tiny-llava", "--root", root, "--out", tmp_path / "out")
    first = run(*words)
    assert first.code == 0
    assert first.err.index("tiny-llava costs:") < first.err.index("discovering heads")
    assert "image tokens" in first.err
    assert "undecided" in first.out
    for name in REPORTS:
        assert f"wrote {tmp_path / 'out' / name}" in first.err
    again = run(*words, "--json", "--quiet")
    record = json.loads(again.out)
    assert again.err == ""
    assert record == json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert record["verdicts"]["undecided"] == len(record["findings"])
    other = run(*words, "--limit", 1)
    assert other.code == 2
    assert "made with limit None, now it is 1" in other.err


def test_skipped_images_make_the_exit_code(run: Any, tmp_path: Path) -> None:
    make_tiny("refcoco", tmp_path / "refcoco", 2)
    sorted((tmp_path / "refcoco" / "train2014").iterdir())[-1].write_bytes(b"no picture")
    result = run(*COMMAND, "-m", "tiny-llava", "--root", tmp_path, "--limit", 2)
    assert result.code == 1
    assert "skipped: tiny-llava, score.paper-pad.refcoco.testB" in result.err
    assert "Not saved" in result.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "None of the paper's sets"),
        (("--limit", 0), "at least 1"),
        (("-m", "tiny-llava,tiny-clip", "--revision", "main"), "--revision is of one model"),
    ],
)
def test_mistakes_are_said_before_anything_is_done(
    refused: Any, tmp_path: Path, words: tuple[object, ...], expected: str
) -> None:
    refused([*COMMAND, "-m", "tiny-llava", "--root", tmp_path, *words], expected)


def test_an_encoder_has_no_heads(refused: Any, root: Path) -> None:
    refused([*COMMAND, "-m", "tiny-clip", "--root", root], "no text decoder")
