"""What a description loses when parts of its prompt are taken away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.analysis.prompts import PromptAblation, PromptOptions, prompt_ablation
from vlmscope.analysis.prompts.variants import CLEAN, QUERY_ALONE
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, mean_score, shown, together

__all__ = ["measure_prompts"]

WITHOUT_A_WORD = "without a word"

_CLAIMS = {"prompt-query-alone": QUERY_ALONE, "prompt-without-a-word": WITHOUT_A_WORD}
_COLUMNS = ("change", "F1", "interval", "images", "log p (nats)", "answers changed")
_NOTE = (
    "F1 of the objects named, against the description under the whole prompt; log p: change of that "
    "description's log-probability; means over images, of single words their mean first."
)


def measure_prompts(job: Job, state: Path | None) -> Part:
    """Prompt ablation of the descriptions, see :func:`vlmscope.prompt_ablation`.

    Args:
        job: model, images and settings.
        state: file of finished images; None: nowhere.
    """
    options = PromptOptions(max_new_tokens=job.max_new_tokens, seed=job.seed)
    ablation = prompt_ablation(job.model, job.images, options, resume=state, progress=job.progress)
    scores = {
        name: mean_score(name, _f1(ablation, name, job), seed=job.seed)
        for name in ablation.names
        if name != CLEAN
    }
    effects = {effect.name: effect for effect in ablation.effects(job.seed)}
    rows = [
        (name, *shown(score), effects[name].log_prob.value, effects[name].changed.value)
        for name, score in scores.items()
    ]
    table = Table("prompts", "Prompts without their parts", _COLUMNS, rows, _NOTE)
    claimed = {id: scores[name] for id, name in _CLAIMS.items() if name in scores}
    return Part(claimed, (table,), ablation.run, together(job.images.skipped, ablation.skipped))


def _f1(ablation: PromptAblation, name: str, job: Job) -> list[float]:
    """One value per image; NaN where the whole prompt's description names no object."""
    return [_f1_of(question, name, job) for question in ablation.questions]


def _f1_of(question: Mapping[str, Any], name: str, job: Job) -> float:
    clean = question["variants"][0]["answer"]
    marks = [
        job.words.f1(variant["answer"], clean)
        for variant in question["variants"]
        if variant["name"] == name
    ]
    kept = [mark for mark in marks if mark is not None]
    return float(np.mean(kept)) if kept else float("nan")
