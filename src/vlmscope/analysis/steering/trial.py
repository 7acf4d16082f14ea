"""How often answers follow the place that heads are drawn to."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from vlmscope.analysis.agreement import agrees
from vlmscope.analysis.record import run_record
from vlmscope.analysis.steering.choices import OpenQuestion
from vlmscope.analysis.steering.options import SteerOptions
from vlmscope.analysis.steering.result import CONDITIONS, SteeringTrial
from vlmscope.attention import generate, image_layers
from vlmscope.attention.steering.steer import steer
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadSampleError
from vlmscope.heads.choice import resolve_heads
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.types import Box, Head, HeadSet, box_iou

__all__ = ["steering_trial"]

_TRIES = 50  # places for a random box, until one overlaps no choice


def steering_trial(
    model: LoadedModel,
    samples: Iterable[Any],
    options: SteerOptions | None = None,
    *,
    heads: Any = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> SteeringTrial:
    """Draw heads to each of the places that a question fits, and see whose answer is given.

    Beside the chosen heads: as many random ones, every head, and the chosen heads drawn to a box of the
    same size elsewhere. The strength is chosen on one half of the questions and judged on the other.

    Args:
        model: the model.
        samples: :class:`vlmscope.analysis.steering.choices.OpenQuestion`, as ``read_choices`` gives them.
        options: see :class:`SteerOptions`.
        heads: as for :func:`vlmscope.steer`.
        resume: state file: finished questions are not asked again.
        progress: show a bar on stderr.

    Raises:
        BadSampleError: no question that can be used: each needs choices.
        BadHeadSetError, BadOptionError: as for :func:`vlmscope.steer`.
    """
    check_model(model)
    options = options or SteerOptions()
    chosen, amounts = resolve_heads(heads, model), options.amounts
    run = run_record(
        model, analysis="steering", **asdict(options), heads=[list(head) for head in chosen.heads]
    )
    log = SampleLog(resume, run)
    done = measure_questions(
        model,
        samples,
        log,
        lambda question: _measure(model, question, chosen, amounts, options),
        needed_by="Steering",
        key=lambda question: getattr(question, "digest_with_choices", question.digest),
        title="steering",
        progress=progress,
    )
    records = tuple({**log[digest], "id": digest} for digest in done.ids)
    return SteeringTrial(run, records, done.skipped)


def _measure(
    model: LoadedModel,
    question: Question,
    chosen: HeadSet,
    amounts: tuple[float, ...],
    options: SteerOptions,
) -> dict[str, Any]:
    if not isinstance(question, OpenQuestion) or len(question.choices) < 2:
        raise BadSampleError("It has no choices: two places at least, with different answers.")
    asking: dict[str, Any] = {
        "max_new_tokens": options.max_new_tokens,
        "preset": options.preset,
        "placement": options.placement,
    }
    clean = generate(model, question.image, question.text, **asking).text
    settings = []
    for name, heads, boxes in _conditions(model, question, chosen, options.seed):
        for amount in amounts:
            answers = []
            for box in boxes:
                with steer(model, heads, box, amount):
                    answers.append(generate(model, question.image, question.text, **asking).text)
            settings.append({"condition": name, "strength": amount, **_judged(answers, question)})
    return {
        "question": question.text,
        "choices": [choice.answer for choice in question.choices],
        "clean": clean,
        "clean_follows": _judged([clean] * len(question.choices), question),
        "settings": settings,
    }


def _judged(answers: list[str], question: OpenQuestion) -> dict[str, Any]:
    """Per place: whether its own answer was given, and whether another place's was."""
    follows, other = [], []
    for answer, choice in zip(answers, question.choices, strict=True):
        own = agrees(answer, [choice.answer])
        follows.append(own)
        other.append(not own and agrees(answer, [each.answer for each in question.choices]))
    return {"answers": answers, "follows": follows, "other": other}


def _conditions(
    model: LoadedModel, question: OpenQuestion, chosen: HeadSet, seed: int
) -> Iterator[tuple[str, list[Head], list[Box]]]:
    """Name, heads, and a place for each choice."""
    rng = random.Random(f"vlmscope-steering:{seed}:{question.digest_with_choices}")
    width = model.decoder_shape[1]
    every = [Head(layer, head) for layer in image_layers(model) for head in range(width)]
    others = [head for head in every if head not in chosen.heads] or every
    boxes = [choice.box for choice in question.choices]
    elsewhere = [_elsewhere(box, question, rng) for box in boxes]
    drawn = rng.sample(others, min(len(chosen.heads), len(others)))
    own = list(chosen.heads)
    yield from zip(
        CONDITIONS, (own, drawn, every, own), (boxes, boxes, boxes, elsewhere), strict=True
    )


def _elsewhere(box: Box, question: OpenQuestion, rng: random.Random) -> Box:
    """A box of the same size at a random place, clear of every choice where one of 50 tries is."""
    height, width = question.image.shape[:2]
    across, down = min(box[2] - box[0], width), min(box[3] - box[1], height)
    tries = []
    for _ in range(_TRIES):
        x, y = rng.uniform(0, width - across), rng.uniform(0, height - down)
        place = (x, y, x + across, y + down)
        overlap = max(box_iou(place, choice.box) for choice in question.choices)
        if overlap == 0:
            return place
        tries.append((overlap, place))
    return min(tries)[1]
