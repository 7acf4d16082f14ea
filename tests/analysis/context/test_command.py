"""``vlmscope context``: questions and MME, resumed, reported; bad input in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vlmscope as vs
from vlmscope.analysis.context import context_sweep
from vlmscope.analysis.context.points import context_points
from vlmscope.cli import main
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets.mme_layout import write_mme

SHORT = ["--keep", "0,1", "--by", "norm,random", "--max-new-tokens", "3"]


@pytest.fixture(scope="module")
def mme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mme")
    write_mme(folder, 1)
    return folder


def test_questions_are_asked_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        "--out",
        tmp_path / "c.json",
        "--html",
        tmp_path / "c.html",
        "--resume",
        tmp_path / "s",
    ]
    words = ["context", "tiny-llava", "--samples", "tiny-scenes:2:colour", "-q", *SHORT]
    assert main([*words, *map(str, files)]) == 0
    assert "over random" in capsys.readouterr().out
    record = json.loads((tmp_path / "c.json").read_text())
    by_key = {(point["by"], point["keep"]): point for point in record["points"]}
    assert by_key["norm", 1.0]["accuracy"][0] == by_key["norm", 1.0]["agreement"][0] == 1.0
    assert by_key["norm", 1.0]["over_random"][0] == 0.0
    assert by_key["random", 0.0]["over_random"] is None
    assert "random tokens" in (tmp_path / "c.html").read_text()

    def again(*_: object, **__: object) -> None:
        raise AssertionError("computed twice")

    monkeypatch.setattr("vlmscope.analysis.context.asking.read_image", again)
    assert main([*words, "--resume", str(tmp_path / "s"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == record["points"]


def test_mme_is_scored_as_mme_is(mme: Path) -> None:
    data = open_dataset("mme", mme)
    curve = context_sweep(
        vs.load("tiny-llava"), data, (1.0,), ("norm", "random"), limit=2, max_new_tokens=3
    )
    assert curve.samples == 4 and len(curve.records) == 2
    point = curve.points[0]
    rows = [row for row in curve.rows() if row["by"] == "norm"]
    truths = {q["id"]: q["references"][0] for r in curve.records for q in r["questions"]}
    right = [row["answer"][:4].lower().startswith(truths[row["id"]]) for row in rows]
    assert point.accuracy is not None and point.accuracy.value == sum(right) / 4
    assert point.neither == sum(row["answer"][:3] not in ("yes", "no") for row in rows)
    assert point.mme is not None and {"MME ACC", "MME ACC+"} <= set(point.mme)


def test_the_difference_to_random_tokens_is_paired() -> None:
    def record(number: int, mine: str, other: str) -> dict:
        names = [("whole", "red"), ("norm", mine), ("random", other)]
        contexts = [
            {"by": by, "keep": 0.5, "tokens": 2, "size": 8, "answers": [text], "seconds": [0.0]}
            for by, text in names
        ]
        asked = {"id": str(number), "question": "?", "references": ["red"]}
        return {"id": str(number), "questions": [asked], "contexts": contexts}

    # one wins and none loses in every picture but two: the difference is +.8 in each draw's mean
    records = [record(n, "red", "blue") for n in range(8)] + [record(8, "red", "red")] * 2
    norm, random = context_points(records, 0)
    assert norm.over_random is not None and norm.over_random.value == pytest.approx(0.8)
    assert norm.over_random.low > 0 and random.over_random is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep", "0,half"], "--keep takes shares such as 0,0.05,0.25,1, got 'half'"),
        (["--keep", "0,2"], "keeps takes a number from 0 to 1, got 2.0"),
        (["--keep", "0,0"], "one or more different values, got [0.0, 0.0]"),
        (["--by", "atention"], "attention"),
        (["--limit", "3"], "--partial and --limit are of --mme"),
        (["--samples", "tiny-scenes:1", "--mme", "."], "two sources"),
        (["--mme", "nowhere"], "nowhere"),
    ],
)
def test_bad_input(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["context", "tiny-llava", *words]) == 2
    assert message in capsys.readouterr().err
