"""Every analysis goes on where a sample is bad, counts repeats once, and lists what it left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from families import llava
from vlmscope.analysis.context import context_sweep
from vlmscope.analysis.flow import FlowOptions, attention_flow
from vlmscope.analysis.knockout import KnockoutOptions, knockout_sweep
from vlmscope.analysis.prompts import PromptOptions, prompt_ablation
from vlmscope.analysis.tokens import localisation
from vlmscope.errors import SkippedWarning
from vlmscope.models import LoadedModel

QUESTION, ANSWER = "what is it ?", "a star"
IMAGE = np.random.default_rng(4).integers(0, 255, (60, 90, 3), dtype=np.uint8)
MASK = np.zeros((60, 90), dtype=bool)
MASK[10:20, 10:20] = True


def flow(model: LoadedModel, samples: list[Any]) -> Any:
    return attention_flow(model, samples, FlowOptions(max_new_tokens=2))


def knockout(model: LoadedModel, samples: list[Any]) -> Any:
    return knockout_sweep(model, samples, KnockoutOptions(windows=((0, 1),), max_new_tokens=2))


def prompts(model: LoadedModel, samples: list[Any]) -> Any:
    return prompt_ablation(model, samples, PromptOptions(max_new_tokens=2))


def context(model: LoadedModel, samples: list[Any]) -> Any:
    return context_sweep(model, samples, (0.5,), ("norm",), prompt=None, max_new_tokens=2)


def tokens(model: LoadedModel, samples: list[Any]) -> Any:
    return localisation(model, samples, [(0, 1)])


ANALYSES = (flow, knockout, prompts, context, tokens)
Analysis = Callable[[LoadedModel, list[Any]], Any]


@pytest.mark.parametrize("analyse", ANALYSES)
def test_a_bad_sample_is_left_out_and_listed(analyse: Analysis, tmp_path: Path) -> None:
    good = {"image": IMAGE, "question": QUESTION, "answer": ANSWER, "mask": MASK}
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    samples = [
        {**good, "image": tmp_path / "cut.png"},
        good,
        {**good, "question": "what <image> is it ?"},
        {**good, "answr": "a star", "answer": None},
        dict(good),
    ]
    model = llava()
    with pytest.warns(SkippedWarning, match="4 questions were skipped"):
        found = analyse(model, samples).to_dict()
    skipped = found.pop("skipped")
    assert [each["id"] for each in skipped] == ["sample 0", "sample 2", "sample 3", "sample 4"]
    expected = ("cut.png", "<image>", "'answer'", "counts once")
    for each, words in zip(skipped, expected, strict=True):
        assert words in each["reason"]
    alone = analyse(model, [good]).to_dict()
    assert not alone.pop("skipped", None)
    assert without_times(found) == without_times(alone)


def test_a_question_without_a_mask_has_no_localisation_score() -> None:
    samples = [(IMAGE, QUESTION, ANSWER), {"image": IMAGE, "question": QUESTION, "mask": MASK}]
    with pytest.warns(SkippedWarning, match="sample 0: It has no mask"):
        found = tokens(llava(), samples)
    assert [each.place for each in found.skipped] == ["sample 0"]


def test_one_question_about_two_objects_is_two() -> None:
    other = np.zeros_like(MASK)
    other[40:50, 40:50] = True
    samples = [
        {"image": IMAGE, "question": QUESTION, "answer": ANSWER, "mask": mask}
        for mask in (MASK, other)
    ]
    assert tokens(llava(), samples).words == 4


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if name != "seconds"}
    return [without_times(each) for each in value] if isinstance(value, list) else value
