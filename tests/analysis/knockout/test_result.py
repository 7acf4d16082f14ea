"""Effects of hand-set records, worked out on paper."""

from __future__ import annotations

import math

import pytest

from vlmscope.analysis.knockout import KnockoutSweep
from vlmscope.analysis.knockout.effects import EFFECTS
from vlmscope.analysis.knockout.windows import Window


def _outcome(*probabilities: float) -> dict[str, object]:
    return {
        "logprobs": [math.log(each) for each in probabilities],
        "kl": [0.5, 0.1],
        "changed": True,
        "accuracy": None,
        "mark": None,
        "answer": None,
        "live": True,
    }


@pytest.fixture(scope="module")
def sweep() -> KnockoutSweep:
    record = {
        "answer": "a dog",
        "logprobs": [math.log(0.8), math.log(0.5)],
        "accuracy": None,
        "unjudged": [],
        "outcomes": [_outcome(0.2, 0.5), _outcome(0.8, 0.5)],
    }
    windows = tuple(Window(layer, layer, (layer,)) for layer in range(2))
    return KnockoutSweep(
        run={"model": "by hand"},
        depth=2,
        mode="inside",
        edges=("image->query",),
        windows=windows,
        heads=(None,),
        ids=("a",),
        records=(record,),
    )


@pytest.mark.parametrize(
    ("effect", "value"),
    [
        ("logprob_drop", math.log(4)),  # .4 / .1
        ("token_drop", math.log(2)),
        # FG-TRACER: (p_ko^(1/L) - p^(1/L)) / p^(1/L), its sign turned
        ("normalised_drop", -(math.sqrt(0.1) - math.sqrt(0.4)) / math.sqrt(0.4)),
        ("kl", 0.3),
        ("first_kl", 0.5),
    ],
)
def test_effects_of_one_window(sweep: KnockoutSweep, effect: str, value: float) -> None:
    assert sweep.effects(effect)[0, :, 0, 0] == pytest.approx([value, _unchanged(effect, value)])


def _unchanged(effect: str, value: float) -> float:
    """The second window leaves the answer's tokens as likely as they were."""
    return value if effect in ("kl", "first_kl") else 0.0


def test_effects_that_nobody_measured_are_not_named(sweep: KnockoutSweep) -> None:
    assert set(EFFECTS) - set(sweep.measured) == {"accuracy_lost", "f1_lost"}


def test_rows_hold_every_effect(sweep: KnockoutSweep) -> None:
    assert {*EFFECTS} <= set(next(iter(sweep.rows())))
