"""Every question under every way of leaving image tokens out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.lighten.cost import pass_cost
from vlmscope.analysis.lighten.options import LightenOptions
from vlmscope.analysis.lighten.result import LightenSweep
from vlmscope.analysis.lighten.settings import Setting, settings_of
from vlmscope.analysis.record import run_record
from vlmscope.attention import generate
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.attention.lightening.thinner import Thinner
from vlmscope.attention.sweep.clean_run import check_said
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadSampleError
from vlmscope.models import Encoded, LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.post.coverage import mask_coverage, visible_areas

__all__ = ["LightenOptions", "lighten_sweep"]


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
    the tokens, or (``read``) under every window of layers in which text may read the image. Layer and
    share, or the window, are chosen on one half of the questions and judged on the other.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`.
        options: see :class:`LightenOptions`.
        resume: state file: finished samples are not computed again.
        progress: show a bar on stderr.

    Raises:
        BadOptionError: a layer, share or window that does not exist.
        BadSampleError: fewer than two samples that can be used. One whose answer has no tokens is
            skipped, and counted.
        UnsupportedError: a family whose image is not in the sequence, or a layer behind which more of
            the image enters.
    """
    check_model(model)
    options = options or LightenOptions()
    settings = settings_of(model, options)
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


def _measure(
    model: LoadedModel, question: Question, options: LightenOptions, settings: list[Setting]
) -> dict[str, Any]:
    encoded = _answered(model, question, options)
    length = len(encoded.token_maps[0].positions("text"))
    prompt = length + len(encoded.token_maps[0].positions("image"))
    clean, seconds = _timed(model, encoded)
    whole = pass_cost(model, prompt, len(model.layers), 0)
    records = []
    for setting in settings:
        with setting.applied(model, options.seed + _drawn(question)) as thin:
            light, taken = _timed(model, encoded)
        dropped = 0 if thin is None else len(thin.dropped)
        cost = pass_cost(model, prompt, setting.layer, dropped)
        records.append(
            {
                **setting.to_dict(),
                "log_prob_lost": float(clean[0].sum() - light[0].sum()),
                "kept": bool(light[1].all()),
                "flops": cost.flops / whole.flops,
                "cache": cost.cache / whole.cache,
                "seconds": taken,
                **_object_kept(question, encoded, thin),
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


def _object_kept(question: Question, encoded: Encoded, thin: Thinner | None) -> dict[str, float]:
    """Share of the object asked about, by area, whose cells stay; nothing where it is not known."""
    token_map = encoded.token_maps[0]
    if question.mask is None or thin is None or thin.keep is None or token_map.carries:
        return {}
    cover = mask_coverage(token_map, question.mask) * visible_areas(token_map)
    if cover.sum() == 0:
        return {}
    stays = np.isin(token_map.image_positions, thin.kept)
    return {"object_kept": float(cover[stays].sum() / cover.sum())}


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
    check_said(model, ids.tolist(), question.answer)
    return encode_forced(model, question.image, question.text, ids, **fitting)


def _timed(
    model: LoadedModel, encoded: Encoded
) -> tuple[tuple[NDArray[np.float64], NDArray[np.bool_]], float]:
    """Log-probabilities of the answer's tokens, which of them are likeliest, and wall seconds."""
    start = time.perf_counter()
    scores, likeliest = run_forced(model, encoded)  # the scores are on the CPU: work has ended
    taken = time.perf_counter() - start
    return (scores.double().numpy(), likeliest.numpy()), taken
