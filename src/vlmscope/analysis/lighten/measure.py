"""Every question under every way of leaving image tokens out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.lighten.cost import pass_cost
from vlmscope.analysis.lighten.result import LightenSweep
from vlmscope.analysis.record import run_record
from vlmscope.attention import WAYS, generate, lighten
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.attention.lightening.lighten import check_share
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.models import Encoded, LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import CheckedOptions, check_number, option

__all__ = ["LightenOptions", "lighten_sweep"]


@dataclass(frozen=True)
class LightenOptions(CheckedOptions):
    """How a sweep over layers and shares is measured, and what is chosen from it."""

    layers: str = option(
        "", "layers behind which image tokens leave, 0,2,4 (default: all but the last)"
    )
    shares: str = option(
        "0.1,0.25,0.5", "shares of the image tokens that stay, each between 0 and 1"
    )
    by: str = option("attention", "which tokens stay in the setting that is chosen", choices=WAYS)
    tolerance: float = option(
        0.05,
        "most probability per token of the answer that the chosen setting may lose",
        at_least=0,
        at_most=1,
    )
    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(
        32,
        "longest answer, in tokens, of samples that do not bring their own",
        at_least=1,
        whole=True,
    )
    seed: int = option(0, "of the random tokens", at_least=0, whole=True)


@dataclass(frozen=True)
class _Setting:
    """One way of leaving tokens out."""

    layer: int
    keep: float
    by: str


def lighten_sweep(
    model: LoadedModel,
    samples: Iterable[Any],
    options: LightenOptions | None = None,
    *,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> LightenSweep:
    """Leave image tokens out behind every layer, and see what the model's own answer loses by it.

    The answer (the model's own, or the sample's) is fed in under every layer, share and way of choosing
    the tokens. Layer and share are chosen on one half of the questions and judged on the other.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`.
        options: see :class:`LightenOptions`.
        resume: state file: finished samples are not computed again.
        progress: show a bar on stderr.

    Raises:
        BadOptionError: a layer or share that does not exist.
        BadSampleError: fewer than two samples that can be used.
        UnsupportedError: a family whose image is not in the sequence.
    """
    check_model(model)
    options = options or LightenOptions()
    settings = _settings(model, options)
    with lighten(model, settings[0].layer, settings[0].keep):
        pass  # a family without it is no question's fault
    run = run_record(model, analysis="lighten", **asdict(options))
    log = SampleLog(resume, run)
    done = measure_questions(
        model,
        samples,
        log,
        lambda question: _measure(model, question, options, settings),
        needed_by="A sweep of lighter passes",
        title="lighten",
        progress=progress,
    )
    if len(done.ids) < 2:
        raise BadSampleError(
            "Layer and share are chosen on one half of the questions and judged on the other, so two "
            f"are needed at least, got {len(done.ids)}."
        )
    return LightenSweep(run, done.ids, tuple(log[digest] for digest in done.ids), done.skipped)


def _settings(model: LoadedModel, options: LightenOptions) -> list[_Setting]:
    last = len(model.layers) - 1
    named = _numbers("layers", options.layers, int)
    layers = named or list(range(model.family.image_enters_until(model.hf), last))
    for layer in layers:
        check_number("layers", layer, at_least=0, at_most=last, whole=True)
    shares = [check_share(share) for share in _numbers("shares", options.shares, float)]
    if not layers or not shares:
        raise BadOptionError("A sweep of lighter passes needs at least one layer and one share.")
    return [_Setting(layer, keep, by) for layer in layers for keep in shares for by in WAYS]


def _numbers(name: str, text: str, kind: type) -> list[Any]:
    try:
        return list(dict.fromkeys(kind(part) for part in text.split(",") if part.strip()))
    except ValueError as error:
        raise BadOptionError(
            f"The option {name} takes numbers with commas between them, got {text!r}."
        ) from error


def _measure(
    model: LoadedModel, question: Question, options: LightenOptions, settings: list[_Setting]
) -> dict[str, Any]:
    encoded = _answered(model, question, options)
    length = len(encoded.token_maps[0].positions("text"))
    prompt = length + len(encoded.token_maps[0].positions("image"))
    clean, seconds = _timed(model, encoded)
    whole = pass_cost(model, prompt, len(model.layers), 0)
    records = []
    for setting in settings:
        with lighten(
            model, setting.layer, setting.keep, setting.by, options.seed + _drawn(question)
        ) as thin:
            light, taken = _timed(model, encoded)
        cost = pass_cost(model, prompt, setting.layer, len(thin.dropped))
        records.append(
            {
                **asdict(setting),
                "log_prob_lost": float(clean[0].sum() - light[0].sum()),
                "kept": bool(light[1].all()),
                "flops": cost.flops / whole.flops,
                "cache": cost.cache / whole.cache,
                "seconds": taken,
            }
        )
    return {
        "tokens": len(clean[0]),
        "positions": prompt,
        "flops": whole.flops,
        "cache": whole.cache,
        "seconds": seconds,
        "settings": records,
    }


def _drawn(question: Question) -> int:
    """Another draw of random tokens for each question."""
    return int(question.digest[:8], 16)


def _answered(model: LoadedModel, question: Question, options: LightenOptions) -> Encoded:
    """Prompt and answer as one sequence."""
    fitting: dict[str, Any] = {"preset": options.preset, "placement": options.placement}
    ids: NDArray[np.int64]
    if question.answer is not None:
        ids = answer_ids(model, Prompt(question.text), question.answer, 1, options.preset)
    else:
        ids = generate(
            model, question.image, question.text, max_new_tokens=options.max_new_tokens, **fitting
        ).ids.numpy()
    return encode_forced(model, question.image, question.text, ids, **fitting)


def _timed(
    model: LoadedModel, encoded: Encoded
) -> tuple[tuple[NDArray[np.float64], NDArray[np.bool_]], float]:
    """Log-probabilities of the answer's tokens, which of them are likeliest, and wall seconds."""
    start = time.perf_counter()
    scores, likeliest = run_forced(model, encoded)  # the scores are on the CPU: work has ended
    taken = time.perf_counter() - start
    return (scores.double().numpy(), likeliest.numpy()), taken
