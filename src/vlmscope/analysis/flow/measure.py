"""Measuring attention flow over many images, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vlmscope.analysis.flow.result import AttentionFlow
from vlmscope.analysis.record import run_record
from vlmscope.attention import generate, prefill
from vlmscope.attention.shares import SOURCES, shares
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import CheckedOptions, option
from vlmscope.types import TokenMap

__all__ = ["FlowOptions", "attention_flow"]

_DIGITS = 6


@dataclass(frozen=True)
class FlowOptions(CheckedOptions):
    """How attention flow is measured."""

    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(
        32,
        "longest answer, in tokens, of samples that do not bring their own",
        at_least=1,
        whole=True,
    )


def attention_flow(
    model: LoadedModel,
    samples: Iterable[Any],
    options: FlowOptions | None = None,
    *,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> AttentionFlow:
    """How much attention each layer and head pays to image, system, query and generated tokens.

    Only rows are computed, block by block, and summed up: no attention matrix is ever held. Rows of
    generated tokens are read as the model answers; the last token it says is never read by it.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`; read one by one.
        options: see :class:`FlowOptions`.
        resume: state file: finished samples are not computed again.
        progress: show a bar on stderr.

    Raises:
        BadSampleError: no sample, or none that can be used.
        UnknownNameError: an unknown preset or placement.
    """
    check_model(model)
    options = options or FlowOptions()
    run = run_record(model, analysis="flow", **asdict(options))
    log = SampleLog(resume, run)
    done = measure_questions(
        model,
        samples,
        log,
        lambda question: _measure(model, question, options),
        needed_by="Attention flow",
        title="flow",
        progress=progress,
    )
    records = [log[digest] for digest in done.ids]
    return AttentionFlow(
        run,
        done.ids,
        _stacked(records, "shares"),
        _stacked(records, "entropy"),
        np.array([record["tokens"] for record in records], dtype=np.int64),
        tuple(record["answer"] for record in records),
        done.skipped,
    )


def _measure(model: LoadedModel, question: Question, options: FlowOptions) -> dict[str, Any]:
    settings: dict[str, Any] = {"preset": options.preset, "placement": options.placement}
    with shares(model) as read:
        if question.answer is not None:
            prompt = Prompt(question.text, answer=question.answer)
            token_map = prefill(model, question.image, prompt, **settings).token_map
            answer = question.answer
        else:
            spoken = generate(
                model,
                question.image,
                question.text,
                max_new_tokens=options.max_new_tokens,
                **settings,
            )
            token_map, answer = spoken.token_map, spoken.text
    return {
        "shares": _listed(read.means),
        "entropy": _listed(read.entropies),
        "tokens": [_count(token_map, source) for source in SOURCES],
        "answer": answer,
    }


def _count(token_map: TokenMap, source: str) -> int:
    if source == "image":
        return len(token_map.image_positions if token_map.crossed else token_map.positions("image"))
    return len(token_map.positions(source))


def _listed(values: np.ndarray) -> list[Any]:
    """Rounded numbers, None for the groups that a sample does not have, and for layers without rows."""
    return [None if np.isnan(each).all() else [_layer(layer) for layer in each] for each in values]


def _layer(values: np.ndarray) -> list[Any] | None:
    numbers: list[Any] | None = None
    if not np.isnan(values).all():
        numbers = np.round(values, _DIGITS).tolist()
    return numbers


def _stacked(records: list[dict[str, Any]], key: str) -> np.ndarray:
    group = next(each for each in records[0][key] if each is not None)
    blank = np.full(np.shape(next(layer for layer in group if layer is not None)), np.nan)
    return np.array(
        [[_layers(each, len(group), blank) for each in record[key]] for record in records]
    )


def _layers(group: list[Any] | None, count: int, blank: np.ndarray) -> list[Any]:
    return [blank if layer is None else layer for layer in group or [None] * count]
