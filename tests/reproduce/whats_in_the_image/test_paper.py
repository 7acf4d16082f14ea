"""The claims, and what decides them."""

from __future__ import annotations

import math

import pytest

from vlmscope.metrics import Score
from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.measurements import Measurement
from vlmscope.reproduce.verdicts import judge
from vlmscope.reproduce.whats_in_the_image.paper import COCO, INTERNVL, MME, claims
from vlmscope.stats import Interval

CLAIMS = {claim.id: claim for claim in claims()}
LLAVA = "llava-hf/llava-1.5-7b-hf"


def verdict(id: str, low: float, high: float, model: str, dataset: str = COCO) -> str:
    score = Score(id, Interval((low + high) / 2, low, high), 80, "images", 80)
    return judge(CLAIMS[id], Measurement(score, model, dataset)).word


def test_every_claim_says_where_it_stands_and_how_it_is_measured() -> None:
    assert len(CLAIMS) == len(claims()) == 26
    for claim in claims():
        assert "arXiv 2411.17491" in claim.source and claim.measured_by and claim.sentence
        assert claim.dataset in (COCO, MME) and claim.models in ((), (INTERNVL,))


def test_the_published_numbers() -> None:
    assert [CLAIMS[f"mme-{name}"].low for name in ("full", "5", "2", "query")] == [
        *(0.8483, 0.8146, 0.7716, 0.6103)
    ]
    assert [c.low for c in claims() if c.id.startswith("localised")] == [0.3, 0.45, 0.65, 0.73, 0.6]
    numbers = {id: (c.low, c.high) for id, c in CLAIMS.items() if id.startswith("f1-")}
    assert numbers.pop("f1-llava-window") == (-math.inf, math.inf)
    assert numbers == {
        "f1-image-generated": (0.4, 0.4),
        "f1-image-query": (0.0, 0.0),
        "f1-quarter-low": (0.75, 0.75),
        "f1-quarter-high": (0.81, 0.81),
        "f1-after-half": (0.8, 0.8),
    }


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_only_what_is_stated_by_relative_depth_is_decided_on_another_model(claim: Claim) -> None:
    low = claim.low if math.isfinite(claim.low) else claim.high - 0.5
    ends = (low + 0.01, low + 0.02) if claim.is_range else (low, low + 0.02)
    if not claim.has_number:
        assert verdict(claim.id, 0.1, 0.2, INTERNVL) == "undecided"
        return
    assert verdict(claim.id, *ends, INTERNVL, claim.dataset) == "confirmed"
    by_depth = claim.id.startswith(("localised", "f1-quarter", "f1-after", "image-quarter"))
    word = "confirmed" if by_depth else "undecided"
    assert verdict(claim.id, *ends, LLAVA, claim.dataset) == word
    assert verdict(claim.id, *ends, INTERNVL, "coco-panoptic, not COCO's") == "undecided"


@pytest.mark.parametrize(
    ("id", "interval", "word"),
    [
        ("f1-quarter-low", (0.7, 0.79), "confirmed"),
        ("f1-quarter-low", (0.5, 0.6), "refuted"),
        ("f1-quarter-low", (0.8, 0.9), "undecided"),
        ("f1-image-generated", (0.5, 0.6), "refuted"),  # it does not fall as far
        ("f1-image-generated", (0.1, 0.2), "undecided"),
        ("query-attention", (0.61, 0.7), "confirmed"),
        ("query-attention", (0.4, 0.5), "refuted"),
        ("query-attention", (0.55, 0.65), "undecided"),
        ("query-tokens", (0.02, 0.04), "confirmed"),
        ("query-tokens", (0.06, 0.07), "refuted"),
        ("image-quarter", (-0.2, -0.1), "refuted"),
        ("image-quarter", (0.1, 0.2), "confirmed"),
    ],
)
def test_sides(id: str, interval: tuple[float, float], word: str) -> None:
    assert verdict(id, *interval, INTERNVL) == word
