"""``vlmscope eval --evidence`` and ``--decide``, from end to end and in wrong forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.data.tiny_sets import make_tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "grefcoco"
    make_tiny("grefcoco", folder, 2)
    return folder


@pytest.fixture
def call(root: Path) -> list[Any]:
    return [
        "eval",
        "grefcoco",
        "--root",
        root,
        "--model",
        "tiny-clip",
        "--method",
        "gem",
        "--quiet",
    ]


def test_a_threshold_of_other_evidence_from_one_split_to_the_next(
    run: Any, call: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "thresholds.json"
    kinds = ["--evidence", "presence,contrast", "--null", "shape"]
    chosen = run(*call, "--split", "val", *kinds, "--threshold-out", file, "--json")
    assert chosen.code == 0, chosen.err
    record = json.loads(chosen.out)
    assert {"absent AUC", "absent AUC presence", "absent AUC contrast"} <= set(
        record["runs"][0]["scores"]
    )
    assert "null phrase 'shape'" in record["protocol"]["evidence"]["contrast"]
    applied = ["--split", "testA", "--threshold", file, "--decide"]
    decided = run(*call, *applied, "contrast", "--null", "shape", "--json")
    assert decided.code == 0, decided.err
    record = json.loads(decided.out)
    assert record["protocol"]["threshold"]["by"] == "contrast"
    assert record["runs"][0]["scores"]["absent accuracy"]["by"] == "contrast"
    other = run(*call, *applied, "contrast")
    assert other.code == 2 and "under {'null': 'shape'}, here it is {'null': 'object'}" in other.err
    same = run(*call, "--split", "val", "--threshold", file, "--decide", "presence")
    assert same.code == 2 and "cannot be scored there" in same.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--evidence presens", "presence"),
        ("--decide contrast", "'contrast' decides by a threshold"),
        ("--null shape", "A null belongs to the evidence 'contrast'"),
        ("--evidence answer --question what", "must hold {phrase} once"),
        ("--evidence answer", "tiny-clip answers nothing"),
        ("--evidence rejection", "'gem' writes no answer"),
    ],
)
def test_what_does_not_fit_is_said(run: Any, call: list[Any], words: str, said: str) -> None:
    result = run(*call, *words.split())
    assert result.code == 2, result.err
    assert said in result.err


def test_kinds_are_completed(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "vlmscope eval grefcoco --evidence presence,con"
    monkeypatch.setenv("_VLMSCOPE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    assert run().out.split() == ["presence,contrast"]
