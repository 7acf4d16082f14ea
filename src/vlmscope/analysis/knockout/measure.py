"""Sweeping knock-outs over many questions, one at a time."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vlmscope.analysis.agreement import accuracy
from vlmscope.analysis.knockout.judges import Judge
from vlmscope.analysis.knockout.marks import Marker, Marks
from vlmscope.analysis.knockout.objects import ObjectWords
from vlmscope.analysis.knockout.options import KnockoutOptions
from vlmscope.analysis.knockout.result import KnockoutSweep
from vlmscope.analysis.knockout.windows import (
    EdgeSet,
    Window,
    edge_sets,
    everywhere,
    given_windows,
    windows,
)
from vlmscope.analysis.record import run_record
from vlmscope.attention.selection import HeadChoice
from vlmscope.attention.sweep import Effect, KnockoutSpec, sweep
from vlmscope.data.question_jobs import MeasuredQuestions, measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.data.skipped import SkippedSample
from vlmscope.errors import BadSampleError, VlmscopeWarning
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model

__all__ = ["knockout_sweep"]

_DIGITS = 7


def knockout_sweep(
    model: LoadedModel,
    samples: Iterable[Any],
    options: KnockoutOptions | None = None,
    *,
    objects: ObjectWords | None = None,
    judge: Judge | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> KnockoutSweep:
    """Block edges in window after window of layers, and see what is lost of the answer.

    Each prompt is run once; every knock-out starts at the first layer and row that it can change.
    Every edge set is also blocked in all layers at once, to hold the windows against.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`; read one by one. Where a sample
            brings no answer the model gives one, greedily; that clean answer is what effects are about.
        options: see :class:`KnockoutOptions`.
        objects: hold what the model says under a knock-out against its clean answer by the objects
            that both name.
        judge: hold them against each other by a judge of your own; see :data:`Judge`.
        resume: state file: finished samples are not computed again.
        progress: show a bar on stderr.

    Raises:
        BadOptionError: no edge, objects and a judge, or either without asking the model.
        BadSampleError: no sample, one that is no question, an answer without tokens, or a model that
            says nothing to any of them.
        UnknownNameError: an unknown role, preset or placement.
        AttentionError: windows or heads beyond the decoder.
    """
    check_model(model)
    options = options or KnockoutOptions()
    plan = _Plan.of(model, options)
    marks = Marks.of(objects, judge, options.ask)
    run = run_record(
        model,
        analysis="knockout",
        **asdict(options),
        blocked={window.name: list(window.blocked) for window in plan.windows[:-1]},
        own_position="a row always reads its own position",
        marked_by=marks.name,
    )
    log = SampleLog(resume, run)
    done = measure_questions(
        model,
        samples,
        log,
        lambda question: _measure(model, question, options, plan, marks),
        needed_by="A sweep of knock-outs",
        key=lambda question: question.digest_with_references,
        title="knockout",
        progress=progress,
    )
    records = [log[digest] for digest in done.ids]
    _report_failures(records)
    return _result(run, plan, done, records, options.seed)


@dataclass(frozen=True)
class _Plan:
    """What is swept: the axes of the result.

    Attributes:
        edges: edge sets.
        windows: the last one is the whole decoder.
        heads: one head, or None for all that are blocked together.
        specs: edge sets x windows x heads.
    """

    edges: tuple[EdgeSet, ...]
    windows: tuple[Window, ...]
    heads: tuple[int | None, ...]
    specs: tuple[KnockoutSpec, ...]
    depth: int
    mode: str

    @classmethod
    def of(cls, model: LoadedModel, options: KnockoutOptions) -> _Plan:
        depth, total = model.decoder_shape
        edges = edge_sets(options.edges)
        if options.windows is None:
            chosen = windows(depth, options.width, options.stride, options.mode)
        else:
            chosen = given_windows(depth, options.windows, options.mode)
        every = (*chosen, everywhere(depth))
        HeadChoice.of((depth, total), None, options.heads)
        together: Sequence[tuple[int, ...] | None] = [options.heads]
        if options.each_head:
            together = [(head,) for head in options.heads or range(total)]
        heads = tuple(each[0] if options.each_head and each else None for each in together)
        specs = tuple(
            KnockoutSpec(edge.edges, window.blocked, heads_blocked)
            for edge in edges
            for window in every
            for heads_blocked in together
        )
        return cls(edges, every, heads, specs, depth, options.mode)


def _measure(
    model: LoadedModel,
    question: Question,
    options: KnockoutOptions,
    plan: _Plan,
    marks: Marks,
) -> dict[str, Any]:
    swept = sweep(
        model,
        question.image,
        Prompt(question.text, answer=question.answer),
        plan.specs,
        preset=options.preset,
        placement=options.placement,
        last_row=options.last_row,
        max_new_tokens=options.max_new_tokens,
        ask=options.ask,
    )
    record: dict[str, Any] = {"question": question.text, "answer": swept.answer.text}
    if not swept.answer.tokens:
        return {**record, "skipped": "the model says nothing: its answer ends at once"}
    marker = marks.of_answer(question.text, swept.answer.text)
    return {
        **record,
        "given": swept.answer.handed_in,
        "tokens": list(swept.answer.tokens),
        "logprobs": _rounded(swept.answer.logprobs),
        "accuracy": _right(question, swept.answer.text, options),
        "outcomes": [_effect_record(each, question, options, marker) for each in swept.effects],
        "unjudged": marker.failures,
        "resumed": swept.resumed,
    }


def _effect_record(
    effect: Effect, question: Question, options: KnockoutOptions, marker: Marker
) -> dict[str, Any]:
    right = None if effect.answer is None else _right(question, effect.answer, options)
    return {
        "logprobs": _rounded(effect.logprobs),
        "kl": _rounded(effect.kl),
        "changed": effect.changed,
        "live": effect.replayed,
        "answer": effect.answer,
        "accuracy": right,
        "mark": marker.mark(effect.answer),
    }


def _right(question: Question, answer: str, options: KnockoutOptions) -> float | None:
    if not question.references:
        return None
    return accuracy(answer, question.references, options.accuracy)


def _rounded(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.round(values, _DIGITS)]


def _report_failures(records: Sequence[dict[str, Any]]) -> None:
    reasons = Counter(reason for record in records for reason in record.get("unjudged", ()))
    if reasons:
        listed = ", ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
        warnings.warn(
            f"{reasons.total()} answers could not be judged ({listed}). They are left out, not counted "
            "as lost.",
            VlmscopeWarning,
            stacklevel=3,
        )


def _result(
    run: dict[str, Any],
    plan: _Plan,
    done: MeasuredQuestions,
    records: list[dict[str, Any]],
    seed: int,
) -> KnockoutSweep:
    pairs = list(zip(done.ids, records, strict=True))
    kept = [(digest, record) for digest, record in pairs if "skipped" not in record]
    silent = [SkippedSample(d, record["skipped"]) for d, record in pairs if "skipped" in record]
    if not kept:
        raise BadSampleError(
            f"None of the {len(pairs)} questions can be used: {records[0]['skipped']}. Try another "
            "prompt preset, or questions that bring their answer."
        )
    return KnockoutSweep(
        run=run,
        depth=plan.depth,
        mode=plan.mode,
        edges=tuple(each.name for each in plan.edges),
        windows=plan.windows,
        heads=plan.heads,
        ids=tuple(digest for digest, _ in kept),
        records=tuple(record for _, record in kept),
        skipped=(*silent, *done.skipped),
        seed=seed,
    )
