"""Asking a data set's questions, and reading the signs of every mention of an object."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.hallucination.evidence import AnswerReader
from vlmscope.analysis.hallucination.mentions import Assertion, asserted
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.analysis.hallucination.result import HallucinationScores
from vlmscope.analysis.record import run_record
from vlmscope.analysis.tokens import GroundedAnswer, token_grounding
from vlmscope.attention import generate
from vlmscope.data.datasets import Asked, AskedSet, Dataset, EvalSample, Skipped
from vlmscope.data.resume import SampleLog, walk
from vlmscope.errors import BadImageError, BadOptionError, BadPhraseError, BadSampleError
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model

__all__ = ["hallucination", "with_noise"]

_DIGITS = 7
_WORDLESS = "answer of no tokens or no words"


def hallucination(
    model: LoadedModel,
    dataset: Dataset,
    options: HallucinationOptions | None = None,
    *,
    limit: int | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> HallucinationScores:
    """Which sign tells imagined objects from real ones, without any training?

    The model answers each question; every mention of an object is then read: four passes over the
    answer, on the image twice, on a blank one, and with the image blocked, and two per mention, without
    the patches that it attends to and without as many drawn at random.

    Args:
        model: the model.
        dataset: one that asks in words, ``pope`` or ``chair``.
        options: see :class:`HallucinationOptions`.
        limit: how many images, from the first; None: all.
        resume: state file: finished images are not computed again.
        progress: show a bar on stderr.

    Raises:
        BadOptionError: another data set, or a limit below 1.
        BadSampleError: not one image could be used.
        AttentionError: layers that the model does not have.
        UnsupportedError: a decoder whose hidden states cannot be decoded.
    """
    check_model(model)
    options = options or HallucinationOptions()
    if not isinstance(dataset, AskedSet):
        raise BadOptionError(
            f"{dataset.id} asks nothing that is answered in words. Take pope or chair."
        )
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")
    options.reading(1).layers(
        len(model.layers)
    )  # refuses layers that are not there, before any work
    run = run_record(
        model,
        analysis="hallucination",
        dataset={"id": dataset.id, "digest": dataset.digest},
        **asdict(options),
    )
    log = SampleLog(resume, run)
    images = list(dataset.image_ids)[:limit]

    def step(image_id: str) -> bool:
        if image_id in log:
            return True
        log.add(image_id, {"answers": _answers(model, dataset.load(image_id), options)})
        return False

    left_out = walk(
        images,
        step,
        title="hallucination",
        unit="image",
        progress=progress,
        bad=(BadImageError, BadSampleError, BadPhraseError),
    )
    skipped = (*dataset.skipped, *(Skipped(*each) for each in left_out))
    answers = [each for key in images if key in log for each in log[key]["answers"]]
    if not answers:
        first = f" The first: {skipped[0].image_id}: {skipped[0].reason}" if skipped else ""
        raise BadSampleError(f"Not one image of {dataset.id} can be used.{first}")
    silent = Counter(each["silent"] for each in answers if each["silent"])
    mentions = [mention for each in answers for mention in each["mentions"]]
    return HallucinationScores(
        {**run, "data": dict(dataset.protocol)},
        mentions,
        dict(silent),
        len(answers),
        skipped,
        options.seed,
    )


def with_noise(
    pixels: NDArray[np.uint8], deviation: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A picture with normal noise, cut to 0..255; 0 leaves it as it is.

    Args:
        pixels: uint8 (height, width, 3).
        deviation: of the noise, in grey values.
        rng: draws it.
    """
    if not deviation:
        return pixels
    noisy = np.rint(pixels + rng.normal(0.0, deviation, pixels.shape))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _answers(
    model: LoadedModel, sample: EvalSample, options: HallucinationOptions
) -> list[dict[str, Any]]:
    """A record for each question of an image."""
    rng = np.random.default_rng([options.seed, *sample.image_id.encode()])
    pixels = with_noise(sample.image.pixels, options.noise, rng)
    return [
        _answer(model, sample, pixels, number, options, rng) for number in range(len(sample.asked))
    ]


def _answer(
    model: LoadedModel,
    sample: EvalSample,
    pixels: NDArray[np.uint8],
    number: int,
    options: HallucinationOptions,
    rng: np.random.Generator,
) -> dict[str, Any]:
    asked, reading = sample.asked[number], options.reading(sample.asked[number].room)
    spoken = generate(
        model,
        pixels,
        asked.text,
        max_new_tokens=reading.max_new_tokens,
        preset=options.preset,
        placement=options.placement,
    )
    try:
        # handed in as text, so that all passes are over the same tokens; one of no word is refused
        answer = token_grounding(model, pixels, asked.text, spoken.text, reading, phrases=())
    except BadPhraseError:
        return {"id": asked.id, "text": "", "silent": _WORDLESS, "mentions": []}
    found, silent = asserted(sample, asked, number, [word.text for word in answer.words])
    mentions = _mentions(model, sample, asked, answer, found, options, rng) if found else []
    return {"id": asked.id, "text": answer.text, "silent": silent, "mentions": mentions}


def _mentions(
    model: LoadedModel,
    sample: EvalSample,
    asked: Asked,
    answer: GroundedAnswer,
    found: Sequence[Assertion],
    options: HallucinationOptions,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    reader = AnswerReader.read(model, answer, options)
    return [
        {
            "image": sample.image_id,
            "id": asked.id,
            "object": mention.name,
            "word": mention.word,
            "real": mention.real,
            "signs": {
                name: round(value, _DIGITS) for name, value in reader.signs(mention, rng).items()
            },
        }
        for mention in found
    ]
