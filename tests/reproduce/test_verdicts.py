"""Verdicts, by hand."""

from __future__ import annotations

import math

import pytest

from claims_by_hand import claim, measurement
from vlmscope.metrics import Score
from vlmscope.reproduce.verdicts import judge

INF = math.inf


@pytest.mark.parametrize(
    ("direction", "interval", "word", "why"),
    [
        ("higher", (0.80, 0.90), "confirmed", "holds the published value"),
        ("higher", (0.865, 0.90), "confirmed", "holds"),
        ("higher", (0.80, 0.865), "confirmed", "holds"),
        ("higher", (0.80, 0.86), "refuted", "wholly below"),
        ("higher", (0.87, 0.90), "undecided", "wholly above"),
        ("lower", (0.80, 0.90), "confirmed", "holds"),
        ("lower", (0.80, 0.86), "undecided", "wholly below"),
        ("lower", (0.87, 0.90), "refuted", "wholly above"),
        ("either", (0.80, 0.86), "refuted", "wholly below"),
        ("either", (0.87, 0.90), "refuted", "wholly above"),
    ],
)
def test_of_a_value(direction: str, interval: tuple[float, float], word: str, why: str) -> None:
    verdict = judge(claim(0.865, direction=direction), measurement(*interval))
    assert verdict.word == word
    assert why in verdict.reason


@pytest.mark.parametrize(
    ("ends", "direction", "interval", "word"),
    [
        ((0.2, 0.4), "either", (0.25, 0.35), "confirmed"),
        ((0.2, 0.4), "either", (0.2, 0.4), "confirmed"),
        ((0.2, 0.4), "either", (0.15, 0.35), "undecided"),
        ((0.2, 0.4), "either", (0.1, 0.5), "undecided"),
        ((0.2, 0.4), "either", (0.5, 0.6), "refuted"),
        ((0.2, 0.4), "higher", (0.5, 0.6), "undecided"),
        ((0.2, 0.4), "higher", (0.1, 0.15), "refuted"),
        ((0.0, INF), "higher", (0.1, 0.3), "confirmed"),
        ((0.0, INF), "higher", (-0.1, 0.3), "undecided"),
        ((0.0, INF), "higher", (-0.3, -0.1), "refuted"),
        ((-INF, 0.0), "lower", (-0.3, -0.1), "confirmed"),
        ((-INF, 0.0), "lower", (0.1, 0.3), "refuted"),
    ],
)
def test_of_a_range(
    ends: tuple[float, float], direction: str, interval: tuple[float, float], word: str
) -> None:
    assert judge(claim(*ends, direction=direction), measurement(*interval)).word == word


@pytest.mark.parametrize("interval", [(0.8, 0.9), (0.1, 0.2)])
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reservations": ("only the first 3 images",)}, "only the first 3 images"),
        ({"model": "other"}, "measured on other, the claim is of model"),
        ({"dataset": "refcoco testA"}, "measured on refcoco testA, the claim is of refcoco val"),
        ({"score": None, "missing": "refcoco is not there"}, "refcoco is not there"),
        ({"score": Score("x", None, 0, "sentences", 0)}, "nothing could be measured"),
    ],
)
def test_nothing_is_decided_by_something_else(
    interval: tuple[float, float], changes: dict[str, object], why: str
) -> None:
    verdict = judge(claim(0.865), measurement(*interval, **changes))
    assert verdict.word == "undecided"
    assert why in verdict.reason


@pytest.mark.parametrize(
    ("ends", "unit", "shown"),
    [
        ((0.865, None), "%", "86.5%"),
        ((0.3, 0.6), "", "0.3 to 0.6"),
        ((0.0, INF), "x", "at least 0 x"),
        ((-INF, 0.5), "%", "at most 50.0%"),
    ],
)
def test_published_values_are_shown_in_their_unit(
    ends: tuple[float, float | None], unit: str, shown: str
) -> None:
    made = claim(*ends, unit=unit)
    assert made.published == shown
    assert None not in [made.to_dict()["published"]]


def test_a_claim_about_an_order_is_decided_on_any_set() -> None:
    order = claim(0.0, math.inf, models=(), dataset="")
    anywhere = {"model": "another", "dataset": "voc20 val"}
    assert judge(order, measurement(0.01, 0.02, **anywhere)).word == "confirmed"
    assert judge(order, measurement(-0.02, -0.01, **anywhere)).word == "refuted"
    assert judge(order, measurement(-0.01, 0.01, **anywhere)).word == "undecided"
    assert judge(claim(0.0, math.inf), measurement(0.01, 0.02, **anywhere)).word == "undecided"
