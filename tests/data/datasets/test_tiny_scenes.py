"""The embedded dual encoder on scenes that it never saw."""

from __future__ import annotations

import pytest

import vlmscope as vs
from vlmscope.data.datasets import open_dataset
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation

SCENES = 40

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    choices = choose(["clip", "gem"], {"gem": {"temperature": "perplexity"}})
    model = vs.load("tiny-clip", device="cpu")
    tasks = ["pointing", "segmentation"]
    return evaluate(
        open_dataset("tiny-scenes"), model, choices, tasks=tasks, limit=SCENES, progress=False
    )


@pytest.mark.parametrize("metric", ["pointing", "mIoU"])
def test_gem_is_clearly_better_than_plain_patches(evaluation: Evaluation, metric: str) -> None:
    gem, clip = evaluation["gem"][metric].interval, evaluation["clip"][metric].interval
    assert gem is not None and clip is not None
    assert gem.low > clip.high + 0.2


def test_it_points_far_above_chance(evaluation: Evaluation) -> None:
    gem, chance = evaluation["gem"]["pointing"].interval, evaluation["gem"]["chance"].interval
    assert gem is not None and chance is not None
    assert 0.03 < chance.value < 0.06
    assert gem.low > 0.5
