"""``vlmscope steer``: one picture, many questions, and what goes with which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_one_picture(run: Any, checkpoint: Path, photo: Path, tmp_path: Path) -> None:
    words = ["steer", photo, "what is it", "--box", "2,2,20,20", "--model", checkpoint]
    options = ["--heads", "L1H0", "--max-new-tokens", 2, "--picture", tmp_path / "box.png"]
    result = run(*words, *options, "--json")
    record = json.loads(result.out)
    assert result.code == 0 and record["box"] == [2.0, 2.0, 20.0, 20.0]
    assert record["heads"] == [[1, 0]] and record["strength"] == 4.0
    assert (tmp_path / "box.png").is_file()
    shown = run(*words, *options, "--strength", "0")
    assert shown.code == 0 and "steered" in shown.out and "strength 0" in shown.out


def test_many_questions(run: Any, checkpoint: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "trial.json", tmp_path / "trial.html"
    words = ["steer", "--samples", "tiny-scenes:2", "--model", checkpoint, "--heads", "L1H0"]
    result = run(*words, "--strengths", 4, "--max-new-tokens", 1, "--out", out, "--html", page)
    assert result.code == 0 and "random heads" in result.out
    assert json.loads(out.read_text())["samples"] == 2
    assert "drawn to a place" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "got neither"),
        (["PHOTO", "what", "--samples", "tiny-scenes:2"], "got both"),
        (["PHOTO"], "a question"),
        (["PHOTO", "what"], "needs --box"),
        (["PHOTO", "what", "--box", "1,2,x,4"], "four numbers"),
        (["PHOTO", "what", "--box", "1,2,3,4", "--strengths", "2,4"], "--strengths: of --samples"),
        (["--samples", "tiny-scenes:2", "--strength", "4"], "--strength: of one picture"),
    ],
)
def test_what_does_not_go_together(
    refused: Callable[..., str], photo: Path, words: list[str], said: str
) -> None:
    refused(["steer", *(photo if word == "PHOTO" else word for word in words)], said)
