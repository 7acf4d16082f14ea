"""Questions in words: what rows hold of them, and that every score comes out of the rows again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from families import llava
from vlmscope.data.datasets import AskedSet, open_dataset
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.evaluation import choose, evaluate
from vlmscope.evaluation.evidence import Evidence
from vlmscope.evaluation.scores import Evaluation
from vlmscope.metrics import Chair, Mme, Pope, Score
from vlmscope.models import LoadedModel

SHORT = choose(["answer"], {"answer": {"room": 3}})


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return llava()


def opened(kind: str, folder: Path) -> AskedSet | MmeSet:
    make_tiny(kind, folder, 1)
    return open_dataset(kind, folder)  # type: ignore[return-value]


def measured(
    model: LoadedModel, kind: str, folder: Path, **more: Any
) -> tuple[Evaluation, list[dict[str, Any]]]:
    data, place = opened(kind, folder / "set"), folder / "rows.jsonl"
    found = evaluate(data, model, more.pop("methods", SHORT), progress=False, rows=place, **more)
    return found, [json.loads(line) for line in place.read_text("utf-8").splitlines()]


def agree(found: Evaluation, again: list[Score]) -> None:
    for score in again:
        reported = found["answer"][score.metric]
        assert (reported.interval, reported.n) == (score.interval, score.n), score.metric


def test_scores_of_pope_come_out_of_its_rows(model: LoadedModel, tmp_path: Path) -> None:
    methods = choose(["answer", "mean-attention"], {"answer": {"room": 3}})
    kinds = Evidence.of(["presence"])
    found, rows = measured(model, "pope", tmp_path, methods=methods, evidence=kinds)
    said = [row for row in rows if row["method"] == "answer"]
    looked = [row for row in rows if row["method"] == "mean-attention"]
    assert len(said) == len(looked) == found["answer"]["POPE accuracy"].n
    assert said[0]["text"].startswith("is there a") and isinstance(said[0]["truth"], bool)
    assert set(looked[0]["evidence"]) == {"score", "presence"} and "answer" not in looked[0]
    metric = Pope()
    again = [metric.record(r["id"], r["image"], r["answer"], truth=r["truth"]) for r in said]
    agree(found, metric.scores(again))


def test_scores_of_chair_come_out_of_its_rows(model: LoadedModel, tmp_path: Path) -> None:
    found, rows = measured(model, "chair", tmp_path)
    assert rows[0]["text"] == "describe the picture" and "answer" in rows[0]
    agree(found, Chair().scores(rows))
    with pytest.raises(BadOptionError, match="descriptions, which are neither true nor false"):
        measured(model, "chair", tmp_path / "again", evidence=Evidence.of(["answer"]))


def test_scores_of_mme_come_out_of_its_rows(model: LoadedModel, tmp_path: Path) -> None:
    found, rows = measured(model, "mme", tmp_path, evidence=Evidence.of(["answer"]))
    assert len(rows) == 28 and set(rows[0]["evidence"]) == {"answer"}
    metric = Mme()
    again = [
        metric.record(r["id"], r["image"], r["category"], r["answer"], truth=r["truth"])
        for r in rows
    ]
    agree(found, [*metric.scores(again), *metric.parts(again)])
    base = found["answer"]
    assert base["MME perception (always yes)"].interval.value == 500  # type: ignore[union-attr]
    assert base["MME ACC+ (always yes)"].interval.value == 0  # type: ignore[union-attr]
    neither = sum(each["answer"] == "other" for each in again)
    assert base["MME unparsed"].interval.value == neither / 28  # type: ignore[union-attr]


def test_few_pictures_of_mme_are_of_all_its_categories(model: LoadedModel, tmp_path: Path) -> None:
    found, rows = measured(model, "mme", tmp_path, limit=7)
    assert len({row["category"] for row in rows}) == 7
    assert found["answer"]["MME ACC"].detail["partial"] == "7 of 14 pictures (limit: 7 pictures)"


def test_who_has_nothing_to_say_or_to_show_is_refused(model: LoadedModel, tmp_path: Path) -> None:
    data = opened("mme", tmp_path / "mme")
    with pytest.raises(UnsupportedError, match="it is an encoder"):
        evaluate(data, vs.load("tiny-clip"), progress=False)
    with pytest.raises(UnsupportedError, match="nothing to look for"):
        evaluate(data, model, choose(["mean-attention"]), progress=False)
    with pytest.raises(UnsupportedError, match="answers in words and has no evidence 'contrast'"):
        evaluate(data, model, SHORT, progress=False, evidence=Evidence.of(["contrast"]))
