"""Decisions by hand-set evidence: thresholds, areas and the tasks that ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from vlmscope.errors import BadSampleError
from vlmscope.evaluation.evidence import Decision
from vlmscope.evaluation.evidence.decision import evidence_records
from vlmscope.evaluation.tasks import TASKS
from vlmscope.metrics import Threshold

# score says nothing, contrast all
CASES = [(0.5, 0.9, False), (0.6, 0.8, False), (0.7, 0.1, True), (0.5, 0.2, True)]


def rows(start: int = 0) -> list[dict[str, Any]]:
    made = []
    for index, (score, contrast, absent) in enumerate(CASES, start):
        truth = [] if absent else [[0.0, 0.0, 4.0, 4.0]]
        made.append(
            {
                "id": index,
                "image": index // 2,
                "score": score,
                "evidence": {"contrast": contrast},
                "absent": absent,
                "inside": 0 if absent else 8,
                "union": 16,
                "boxes": [[0.0, 0.0, 4.0, 4.0], [8.0, 8.0, 9.0, 9.0]],
                "scores": [score, 0.01],
                "truths": truth,
            }
        )
    return made


def values(scores: Any) -> dict[str, float]:
    return {each.metric: each.interval.value for each in scores if each.interval is not None}


def test_every_kind_has_its_area() -> None:
    found = values(TASKS.get("absent").scores(rows(), None, 0))
    # of the four pairs the score wins one and ties one
    assert found == {"absent AUC": pytest.approx(1.5 / 4), "absent AUC contrast": 1.0}


def test_a_threshold_is_chosen_and_applied_per_kind() -> None:
    chosen = Threshold.choose(evidence_records(rows(), "contrast"), "val")
    assert chosen.value == 0.8
    decision = Decision("contrast", chosen)
    assert [decision.rejects(row) for row in rows()] == [False, False, True, True]
    found = decision.scores(rows(10), "test", 0)
    assert values(found) == {"absent N_acc": 1.0, "absent T_acc": 1.0, "absent accuracy": 1.0}
    assert {(s.detail["by"], s.detail["chosen_on"]) for s in found} == {("contrast", "val")}
    by_score = Decision("score", Threshold.choose(evidence_records(rows(), "score"), "val"))
    assert values(by_score.scores(rows(10), "test", 0))["absent accuracy"] == 0.5
    assert "by" not in by_score.scores(rows(10), "test", 0)[0].detail
    for split, where in (("val", rows(10)), ("other", rows())):
        with pytest.raises(BadSampleError, match="chosen on"):
            decision.scores(where, split, 0)


def test_gres_and_grec_use_the_decision_that_was_made() -> None:
    decision = Decision("contrast", Threshold(0.8, "val", frozenset(), frozenset()))
    gres = values(TASKS.get("gres").scores(rows(), decision, 0))
    assert (gres["N_acc"], gres["T_acc"]) == (1.0, 1.0)
    assert gres["GRES gIoU"] == pytest.approx((0.5 + 0.5 + 1 + 1) / 4)
    # all boxes of a sentence that is not rejected are answers: one right, one wrong
    grec = values(TASKS.get("grec").scores(rows(), decision, 0))
    assert grec["GREC F1"] == pytest.approx((2 / 3 + 2 / 3 + 1 + 1) / 4)
    assert (grec["GREC N_acc"], grec["GREC T_acc"]) == (1.0, 1.0)
    # by the score each box is held against the threshold
    by_score = Decision("score", Threshold(0.6, "val", frozenset(), frozenset()))
    grec = values(TASKS.get("grec").scores(rows(), by_score, 0))
    assert grec["GREC F1"] == pytest.approx((0 + 1 + 0 + 1) / 4)
    assert (grec["GREC N_acc"], grec["GREC T_acc"]) == (0.5, 0.5)


def test_a_rule_needs_no_split() -> None:
    decision = Decision.by_rule("contrast", 0.5)
    assert (
        decision.ruled and not Decision("contrast", Threshold(0.5, "val", *[frozenset()] * 2)).ruled
    )
    assert values(decision.scores(rows(), "val", 0))["absent accuracy"] == 1.0
