"""What is measured for each claim, and that the verdict follows it both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vlmscope.data.datasets import Dataset
from vlmscope.models import DualEncoder
from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.gem import Settings
from vlmscope.reproduce.gem.counts import mean_iou
from vlmscope.reproduce.gem.findings import ORDERS, Evidence, measured
from vlmscope.reproduce.gem.outcomes import ModelOutcome
from vlmscope.reproduce.gem.paper import MODELS, VOC, claims
from vlmscope.reproduce.gem.spectra import spectral_norms
from vlmscope.reproduce.gem.work import ModelWork
from vlmscope.reproduce.kept import KeptResults


@pytest.fixture(scope="module")
def outcome(encoder: DualEncoder, data: Dataset, records: dict[str, Any]) -> ModelOutcome:
    work = ModelWork(encoder, data, Settings(side=0, pixel_step=1), None, False)
    kept = KeptResults(None, work.header)
    kept.add("spectra", spectral_norms(encoder))
    kept.add("images", {"records": records, "skipped": []})
    return work.outcome(kept, ())


def verdicts(outcome: ModelOutcome, dataset: str = "anything") -> dict[str, str]:
    found = Evidence([outcome], dataset, ()).findings()
    return {each.claim.id: each.verdict.word for each in found}


def any_model() -> list[Claim]:
    return [claim for claim in claims() if not claim.models]


def test_every_claim_about_any_model_is_measured(outcome: ModelOutcome) -> None:
    assert len({claim.id for claim in claims()}) == len(claims())
    for claim in any_model():
        assert not claim.dataset, claim.id
        score = measured(claim.id, outcome)
        assert score is not None and score.interval is not None, claim.id


def test_an_order_is_decided_on_any_set_by_the_difference(outcome: ModelOutcome) -> None:
    named = replace(outcome, model="somebody/clip")
    found = {each.claim.id: each for each in Evidence([named], "any", ()).findings()}
    for claim, (first, second) in ORDERS.items():
        score = found[claim].measurement.score
        assert score is not None and score.interval is not None
        mious = [mean_iou(outcome.counts[way], 0).value for way in (first, second)]
        assert score.interval.value == pytest.approx(mious[0] - mious[1])
        word = "undecided"
        if score.interval.low >= 0 and score.interval != (0, 0, 0):
            word = "confirmed"
        elif score.interval.high < 0:
            word = "refuted"
        assert found[claim].verdict.word == word, claim


def test_a_way_that_is_right_everywhere_confirms_and_refutes(outcome: ModelOutcome) -> None:
    records = {
        image: {
            **record,
            "ways": {
                **record["ways"],
                "gem": {**record["ways"]["gem"], "pixels": [[c, n, n] for c, n in record["true"]]},
                "iterations-3": {**record["ways"]["gem"], "pixels": [[0, 0, 50]]},
            },
        }
        for image, record in outcome.records.items()
    }
    words = verdicts(replace(outcome, model="somebody/clip", records=records))
    assert words["over-clip"] == words["adaptive-temperature"] == "confirmed"
    assert words["iterations-3-over-0"] == "refuted"


def test_mechanisms_are_what_the_records_say(outcome: ModelOutcome) -> None:
    records = list(outcome.records.values())

    def value(claim: str) -> float:
        score = measured(claim, outcome)
        assert score is not None and score.interval is not None
        return score.interval.value

    spreads = [record["iterating"]["spread"] for record in records]
    ratios = [sum(p[1] for p in each) / sum(p[0] for p in each) for each in spreads]
    assert value("closer") == pytest.approx(np.mean(ratios))
    largest = [record["iterating"]["largest"] for record in records]
    grown = [np.mean([p[5] - p[0] for p in each]) for each in largest]
    assert value("clusters-grow") == pytest.approx(np.mean(grown))
    norms = [n for block in outcome.norms for p in "qkv" for n in block[p]]
    assert value("contraction") == pytest.approx(np.mean(norms))
    means = {way: [r["ways"][way]["means"] for r in records] for way in ("gem", "clip")}
    gaps = {
        way: np.array([np.nan if None in m[:2] else m[0] - m[1] for m in each])
        for way, each in means.items()
    }
    assert value("within") == pytest.approx(np.nanmean(gaps["gem"]))
    assert value("within-over-clip") == pytest.approx(np.nanmean(gaps["gem"] - gaps["clip"]))


def test_figures_are_of_their_own_model_and_set(outcome: ModelOutcome) -> None:
    (b16, *_) = MODELS
    named = replace(outcome, model=b16)
    reasons = {
        each.claim.id: each.verdict.reason for each in Evidence([named], "any", ()).findings()
    }
    assert reasons["value-voc-b16"] == f"needs {VOC} (--data)"
    assert "needs openai/clip-vit-large-patch14" in reasons["value-voc-l14"]
    on_voc = {each.claim.id: each for each in Evidence([named], VOC, ()).findings()}
    for claim, way in {
        "value-voc-b16": "gem",
        "voc-clip": "clip",
        "voc-iterations-1": "gem",
    }.items():
        score = on_voc[claim].measurement.score
        assert score is not None and score.interval == outcome.mious[way]
        assert "threshold" in on_voc[claim].verdict.reason


def test_two_models_are_held_against_each_other(outcome: ModelOutcome) -> None:
    first, second = list(MODELS)[:2]
    images = list(outcome.records)
    fewer = {image: outcome.records[image] for image in images[1:]}
    both = [replace(outcome, model=first), replace(outcome, model=second, records=fewer)]
    found = {each.claim.id: each for each in Evidence(both, "any", ()).findings()}
    score = found["b16-over-b32"].measurement.score
    assert score is not None and score.images == len(images) - 1  # those that both have
    assert score.interval == (0, 0, 0)
    assert found["b16-over-b32"].verdict.word == "undecided"
    assert "no image tells them apart" in found["b16-over-b32"].verdict.reason
    assert {f"norm.{first}", f"norm.{second}"} <= set(found)
    assert "needs" in found["b16-over-l14"].verdict.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "tiny-clip"}, "a model of the rendered world"),
        ({"stated": {"depth": 4, "quantisation": "int8"}}, "quantised weights (int8)"),
        ({"skipped": ("image 1: gone",)}, "1 images were left out"),
    ],
)
def test_what_decides_nothing(outcome: ModelOutcome, changes: dict[str, Any], reason: str) -> None:
    doubtful = replace(outcome, **{"model": "somebody/clip", **changes})
    for each in Evidence([doubtful], "any", ()).findings():
        assert each.verdict.word == "undecided"
        assert each.claim.models or reason in each.verdict.reason
