"""Asking a data set's questions, and reading the signs of every mention of an object."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vlmscope.analysis.hallucination.evidence import SaidMention, signs_of
from vlmscope.analysis.hallucination.mentions import asserted, shows_nothing
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.analysis.hallucination.passes import Answered, ImagePasses
from vlmscope.analysis.hallucination.result import HallucinationScores
from vlmscope.analysis.hallucination.shared_passes import image_passes, read_layers
from vlmscope.analysis.knockout.spoken_objects import objects_for
from vlmscope.analysis.record import run_record
from vlmscope.analysis.tokens.words import merge_words
from vlmscope.attention.forced import answer_ids
from vlmscope.data.datasets import AskedSet, Dataset, EvalSample, Skipped
from vlmscope.data.resume import SampleLog, walk
from vlmscope.errors import (
    BadImageError,
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    UnsupportedError,
    VlmscopeError,
)
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model

__all__ = ["hallucination", "spoilt"]

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

    The model answers each question; every mention of an object is then read: over the answer on the
    image, on a blank one, and with the image blocked, and for each mention without the patches that it
    attends to and without as many drawn at random. Where a model reads the image before the text, the
    image and the blank one are read once for all of it, those of several images side by side.

    Args:
        model: the model.
        dataset: one whose answers assert objects, ``pope`` or ``chair``
            (:func:`vlmscope.data.datasets.open_dataset`): images uint8 (height, width, 3), each with its
            questions. A yes asserts the object that is asked for; of a description every word does that
            names an object of the set's list.
        options: see :class:`HallucinationOptions`.
        limit: how many images, from the first; None: all.
        resume: state file: finished images are not computed again.
        progress: show a bar on stderr.

    Returns:
        ``mentions``, each with its signs, and ``values(sign)``, float (mentions,): more of each speaks
        for an object that is there. ``scores``, per sign: AUROC, AUPRC and F1 of the imagined, and the
        AUROC less that of the answer's own probability, with 95% intervals over images; None each where
        all mentions are real, or none is. ``silent``: how many answers assert nothing, by reason.

    Raises:
        BadOptionError: another data set, a limit below 1, or a word of the set's list that stands for
            two objects.
        BadSampleError: not one image could be used; says the first reason.
        AttentionError: layers that the model does not have.
        UnsupportedError: a decoder whose hidden states cannot be decoded, or one that reads the image by
            cross-attention.
    """
    check_model(model)
    options = options or HallucinationOptions()
    if not isinstance(dataset, AskedSet):
        raise BadOptionError(
            f"{getattr(dataset, 'id', dataset)!s} asks for nothing whose answer names objects. Take pope or "
            "chair."
        )
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")
    # what cannot be is refused before any work: layers that are not there, objects that are read alike
    read_layers(model, options)
    if model.family.crossed:
        raise UnsupportedError(
            f"{model.id} (family {model.family.id!r}) reads the image by cross-attention, outside the "
            "sequence: it has no image token whose state could be decoded or that could be hidden from an "
            "answer. "
            "Take a model that reads image tokens."
        )
    if not dataset.pairs:
        objects_for(dataset.words.labels)
    run = run_record(
        model,
        analysis="hallucination",
        dataset={"id": dataset.id, "digest": dataset.digest},
        **asdict(options),
    )
    log = SampleLog(resume, run)
    images = list(dataset.image_ids)[:limit]
    ahead = _Ahead(model, dataset, options, [each for each in images if each not in log])

    def step(image_id: str) -> bool:
        if image_id in log:
            return True
        log.add(image_id, {"answers": _answers(model, ahead.take(image_id), options)})
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
        sum(each["bare"] for each in answers),
    )


def spoilt(
    pixels: NDArray[np.uint8], blur: float, noise: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A picture blurred, then with normal noise, cut to 0..255; 0 of both leaves it as it is.

    Args:
        pixels: uint8 (height, width, 3).
        blur: standard deviation of the Gaussian, in pixels.
        noise: standard deviation, in grey values.
        rng: draws the noise.
    """
    if blur:
        pixels = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(blur)))
    if not noise:
        return pixels
    noisy = np.rint(pixels + rng.normal(0.0, noise, pixels.shape))
    return np.clip(noisy, 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Picture:
    """An image that is asked about: the passes over it, and what draws at random."""

    sample: EvalSample
    passes: ImagePasses
    rng: np.random.Generator


@dataclass(eq=False)
class _Ahead:
    """Opens the images that come next, and reads them side by side.

    Attributes:
        model, dataset, options: see :func:`hallucination`.
        waiting: ids of the images that will come, in order.
    """

    model: LoadedModel
    dataset: Dataset
    options: HallucinationOptions
    waiting: list[str]
    _opened: dict[str, _Picture | VlmscopeError] = field(default_factory=dict)

    def take(self, image_id: str) -> _Picture:
        """The next image; raises what is wrong with it when it comes."""
        if image_id not in self._opened:
            start = self.waiting.index(image_id)
            batch = self.waiting[start : start + self.options.batch]
            self.waiting = self.waiting[start + len(batch) :]
            self._open(batch)
        picture = self._opened.pop(image_id)
        if isinstance(picture, VlmscopeError):
            raise picture
        return picture

    def _open(self, image_ids: Sequence[str]) -> None:
        samples: list[EvalSample] = []
        for image_id in image_ids:
            try:
                samples.append(self.dataset.load(image_id))
            except VlmscopeError as error:
                self._opened[image_id] = error
        try:
            self._read(samples)
        except VlmscopeError:  # of one of them, which says it when it comes
            for each in samples:
                try:
                    self._read([each])
                except VlmscopeError as error:
                    self._opened[each.image_id] = error

    def _read(self, samples: Sequence[EvalSample]) -> None:
        draws = [
            np.random.default_rng([self.options.seed, *each.image_id.encode()]) for each in samples
        ]
        pictures = [
            spoilt(each.image.pixels, self.options.blur, self.options.noise, rng)
            for each, rng in zip(samples, draws, strict=True)
        ]
        asked = [each.asked for each in samples]
        passes = image_passes(self.model, pictures, asked, self.options)
        for sample, own, rng in zip(samples, passes, draws, strict=True):
            self._opened[sample.image_id] = _Picture(sample, own, rng)


def _answers(
    model: LoadedModel, picture: _Picture, options: HallucinationOptions
) -> list[dict[str, Any]]:
    """A record for each question of an image."""
    asked = picture.sample.asked
    texts = picture.passes.say(asked)
    records = [
        _record(model, picture.sample, number, text, options) for number, text in enumerate(texts)
    ]
    said = [each for _, mentions in records for each in mentions]
    signs = iter(signs_of(model, picture.passes, said, options.patches, picture.rng))
    for record, mentions in records:
        record["mentions"] = [
            {
                "image": picture.sample.image_id,
                "id": record["id"],
                "object": each.mention.name,
                "word": each.mention.word,
                "real": each.mention.real,
                "signs": {name: round(value, _DIGITS) for name, value in next(signs).items()},
            }
            for each in mentions
        ]
    return [record for record, _ in records]


def _record(
    model: LoadedModel, sample: EvalSample, number: int, text: str, options: HallucinationOptions
) -> tuple[dict[str, Any], list[SaidMention]]:
    """An answer and the objects that it mentions; the record lacks their signs."""
    asked, bare = sample.asked[number], shows_nothing(sample)
    try:
        # from its text, so that all passes are over the same tokens
        ids = answer_ids(model, Prompt.of(asked.text), text, 1, options.preset)
    except BadPhraseError:
        return {"id": asked.id, "text": "", "silent": _WORDLESS, "bare": bare}, []
    spoken, words = merge_words(ids.tolist(), model.processor.tokenizer)
    if not words:
        return {"id": asked.id, "text": "", "silent": _WORDLESS, "bare": bare}, []
    found, silent = asserted(sample, asked, number, [word.text for word in words])
    answer = Answered(asked.text, ids)
    said = [SaidMention(mention, answer, words) for mention in found]
    return {"id": asked.id, "text": spoken, "silent": silent, "bare": bare}, said
