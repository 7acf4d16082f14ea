"""Asking every variant of every question."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from vlmscope.analysis.agreement import agrees
from vlmscope.analysis.prompts.result import PromptAblation
from vlmscope.analysis.prompts.variants import Variant, variants_of
from vlmscope.analysis.record import run_record
from vlmscope.attention import generate, knockout
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.attention.shares import shares
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadPhraseError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import CheckedOptions, option

__all__ = ["PromptOptions", "prompt_ablation"]

_BLIND = (("image", "last"), ("image", "generated"))


@dataclass(frozen=True)
class PromptOptions(CheckedOptions):
    """How prompts are ablated."""

    preset: str | None = option("chat", "prompt preset; paper has a system sentence to leave out")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(32, "longest answer, in tokens", at_least=1, whole=True)
    seed: int = option(0, "of the shuffled order", at_least=0, whole=True)


def prompt_ablation(
    model: LoadedModel,
    samples: Iterable[Any],
    options: PromptOptions | None = None,
    *,
    replacements: Mapping[str, str] | None = None,
    words: bool = True,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> PromptAblation:
    """Remove, replace and re-order parts of prompts, and see what that does to answer and flow.

    The answer to the unchanged prompt (its own, or the sample's) is fed in under every variant; each
    variant is also answered greedily. One variant blocks the image for the last prompt token and the
    answer: what is said then comes from what the query tokens have gathered.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`.
        options: see :class:`PromptOptions`.
        replacements: name -> text asked in place of each question; ``{}`` stands for the question.
        words: leave out single words, too, each in turn: most of the work.
        resume: state file: finished samples are not computed again.
        progress: show a bar on stderr.

    Raises:
        BadSampleError: no sample, or none that can be used.
        BadPhraseError: a replacement that leaves nothing to ask.
    """
    check_model(model)
    options = options or PromptOptions()
    list(
        variants_of("what?", replacements=replacements)
    )  # a bad replacement is no question's fault
    run = run_record(
        model,
        analysis="prompts",
        **asdict(options),
        replacements=dict(replacements or {}),
        **({} if words else {"words": False}),
    )
    log = SampleLog(resume, run)
    done = measure_questions(
        model,
        samples,
        log,
        lambda question: _measure(model, question, options, replacements, words),
        needed_by="Prompt ablation",
        title="prompts",
        progress=progress,
    )
    records = tuple({"id": digest, **_plain(log[digest])} for digest in done.ids)
    return PromptAblation(run, records, done.skipped)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "id"}


def _measure(
    model: LoadedModel,
    question: Question,
    options: PromptOptions,
    replacements: Mapping[str, str] | None,
    words: bool,
) -> dict[str, Any]:
    has_system = options.preset == "paper" and bool(model.written_system)
    variants = list(
        variants_of(
            question.text,
            system=has_system,
            replacements=replacements,
            seed=options.seed,
            single=words,
        )
    )
    ids: np.ndarray | None = None
    if question.answer is not None:
        ids = answer_ids(model, Prompt(question.text), question.answer, 1, options.preset)
    records = []
    for variant in variants:
        record, spoken = _ask(model, question, variant, options)
        ids = spoken if ids is None else ids
        if not len(ids):
            raise BadPhraseError(
                f"The model answers {question.text!r} with no token, so nothing can be read of the answer."
            )
        records.append({**record, "log_prob": _log_prob(model, question, variant, options, ids)})
    return {
        "question": question.text,
        "references": list(question.references),
        "tokens": 0 if ids is None else len(ids),
        "variants": records,
    }


def _ask(
    model: LoadedModel, question: Question, variant: Variant, options: PromptOptions
) -> tuple[dict[str, Any], np.ndarray]:
    """The greedy answer and what the last prompt token read."""
    changed = _model_of(model, variant)
    with _condition(changed, variant), shares(changed, ["last"]) as read:
        spoken = generate(
            changed,
            question.image,
            variant.text,
            max_new_tokens=options.max_new_tokens,
            preset=options.preset,
            placement=options.placement,
        )
    record = {
        "name": variant.name,
        "text": variant.text,
        "word": variant.word,
        "answer": spoken.text,
        "right": agrees(spoken.text, question.references) if question.references else None,
        "image_share": float(read.means[0, :, :, 0].mean()),
    }
    return record, spoken.ids.numpy()


def _log_prob(
    model: LoadedModel,
    question: Question,
    variant: Variant,
    options: PromptOptions,
    ids: np.ndarray,
) -> float:
    changed = _model_of(model, variant)
    encoded = encode_forced(
        changed,
        question.image,
        variant.text,
        ids,
        preset=options.preset,
        placement=options.placement,
    )
    with _condition(changed, variant):
        scores, _ = run_forced(changed, encoded)
    return float(scores.double().sum())


def _model_of(model: LoadedModel, variant: Variant) -> LoadedModel:
    """The model, without its system sentence where the variant leaves it out."""
    return model if variant.system else replace(model, card=replace(model.card, system=""))


def _condition(model: LoadedModel, variant: Variant) -> contextlib.AbstractContextManager[None]:
    return knockout(model, _BLIND) if variant.blind else contextlib.nullcontext()
