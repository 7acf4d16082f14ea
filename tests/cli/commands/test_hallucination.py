"""Questions answered in words, from the command line: the signs, and the default runs of eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.analysis.hallucination import SIGNS
from vlmscope.data.tiny_sets import make_tiny


@pytest.fixture
def pope(tmp_path: Path) -> Path:
    make_tiny("pope", tmp_path / "pope", 1)
    return tmp_path / "pope"


def test_a_page_a_table_and_json(run: Any, pope: Path, tmp_path: Path) -> None:
    words = ["hallucination", "pope", "--root", pope, "--noise", 28, "--html", tmp_path / "h.html"]
    state = ["--resume", tmp_path / "s.jsonl"]
    first = run(*words, *state)
    assert first.code == 0 and "mentions" in first.err and "patch knock-out" in first.out
    page = (tmp_path / "h.html").read_text("utf-8")
    assert all(name in page for name in SIGNS)
    result = json.loads(run(*words, *state, "--json", "-q").out)
    assert result["mentions"] == len(result["each"]) and set(result["scores"]) == set(SIGNS)
    assert result["mentions"] + sum(result["silent"].values()) == result["answers"]


def test_a_set_that_asks_nothing_and_layers_that_are_not_there(refused: Any, pope: Path) -> None:
    refused(["hallucination", "tiny-scenes"], "Take pope or chair")
    words = ["hallucination", "pope", "--root", str(pope), "--last-layer", "99"]
    refused(words, "99")


def test_descriptions_are_asked_for_without_a_method_named(run: Any, tmp_path: Path) -> None:
    make_tiny("chair", tmp_path / "c", 1)
    words = ["eval", "chair", "--root", tmp_path / "c", "--model", "tiny-llava", "--json", "-q"]
    [scores] = json.loads(run(*words).out)["runs"]
    assert scores["label"] == "answer" and scores["scores"]["CHAIRs"]["n"] == 1


def test_an_encoder_describes_nothing(refused: Any, tmp_path: Path) -> None:
    make_tiny("chair", tmp_path / "c", 1)
    words = ["eval", "chair", "--root", str(tmp_path / "c"), "--model", "tiny-clip"]
    refused(words, "it is an encoder")
