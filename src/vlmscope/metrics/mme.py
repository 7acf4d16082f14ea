"""MME: two questions on each image, answered yes and no (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.records import Record, Records, entry, header, once
from vlmscope.metrics.score import Score
from vlmscope.stats import bootstrap_sums

__all__ = ["COGNITION", "PERCEPTION", "Mme"]

PERCEPTION = (
    *("existence", "count", "position", "color", "posters"),
    *("celebrity", "scene", "landmark", "artwork", "OCR"),
)
"""Categories whose scores add up to at most 2,000."""

COGNITION = ("commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning")
"""Categories whose scores add up to at most 800."""

_QUESTIONS, _IMAGES, _UNPARSED = "questions", "images", "MME unparsed"


class Mme:
    """The score of each category, their sums, and plain accuracies."""

    definition: ClassVar[str] = (
        "an answer that is yes or no, or has one of them in its first four characters, yes first; "
        "every other is wrong; acc: share of questions answered right; acc+: share of images whose "
        "two questions are; a category: 100 (acc + acc+), at most 200; perception and cognition: "
        "sums over their categories; ACC and ACC+: acc and acc+ over all categories at once"
    )

    parts_definition: ClassVar[str] = (
        "acc and acc+ as above, over the questions and the images of one category; unparsed: share of "
        "questions whose answer is neither yes nor no, which is wrong"
    )

    def record(
        self, sample: str | int, image: str | int, category: str, text: str, *, truth: bool
    ) -> Record:
        """``{"id", "image", "category", "answer", "truth"}`` of one question.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`; files of different
                categories share names, so the id of an image needs its category's.
            category: one of :data:`PERCEPTION` or :data:`COGNITION`.
            text: what the model wrote.
            truth: whether yes is right.

        Raises:
            BadSampleError: ids that are none, or an unknown category.
        """
        if category not in (*PERCEPTION, *COGNITION):
            raise BadSampleError(
                f"MME has no category {category!r}, only {', '.join((*PERCEPTION, *COGNITION))}."
            )
        answer = {"answer": _answer(text), "truth": "yes" if truth else "no"}
        return {**header(sample, image), "category": category, **answer}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``MME existence`` ..., ``MME perception``, ``MME cognition``, ``MME ACC``, ``MME ACC+``.

        Categories without an image have no score; a sum says which it is made of.

        Args:
            records: one per question, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a question that is there twice, an image that has not two of one
                category, or another metric's record.
        """
        pairs = _pairs(records)
        sums = ImageSums.of(pairs, _measured)
        found: list[Score] = []
        names = {pair["category"] for pair in pairs}
        for kind, categories in (("perception", PERCEPTION), ("cognition", COGNITION)):
            here = [category for category in categories if category in names]
            for name in here:
                spread = {"over": f"{name} {_IMAGES}", "counted": f"{name} {_QUESTIONS}"}
                found += sums.scores([f"MME {name}"], **spread, unit=_QUESTIONS, seed=seed)
            found.append(_total(sums, kind, here, seed))
        whole = {"over": _IMAGES, "counted": _QUESTIONS}
        return found + sums.scores(["MME ACC", "MME ACC+"], **whole, unit=_QUESTIONS, seed=seed)

    def parts(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``MME existence acc``, ``MME existence acc+`` ..., ``MME unparsed``: shares, 0..1.

        Categories without an image are left out.

        Args:
            records, seed: as for :meth:`scores`, with the same errors.
        """
        pairs = _pairs(records)
        sums = ImageSums.of(pairs, _measured)
        names = {pair["category"] for pair in pairs}
        found: list[Score] = []
        for name in (each for each in (*PERCEPTION, *COGNITION) if each in names):
            spread = {"over": f"{name} {_IMAGES}", "counted": f"{name} {_QUESTIONS}"}
            parts = [f"MME {name} acc", f"MME {name} acc+"]
            found += sums.scores(parts, **spread, unit=_QUESTIONS, seed=seed)
        [unparsed] = sums.scores([_UNPARSED], over=_QUESTIONS, unit=_QUESTIONS, seed=seed)
        silent = round(float(sums[_UNPARSED].sum()))
        notes = {"notes": {"answer that is neither yes nor no": silent}} if silent else {}
        return [*found, replace(unparsed, detail={**unparsed.detail, **notes})]


def _answer(text: str) -> str:
    """``"yes"``, ``"no"`` or ``"other"``."""
    beginning = text.lower()[:4]
    return next((word for word in ("yes", "no") if word in beginning), "other")


def _pairs(records: Records) -> list[Record]:
    """One record per image: its category and how many of its two answers are right."""
    pairs: dict[str | int, Record] = {}
    for record in once(records):
        image, category = record["image"], entry(record, "category")
        pair = pairs.setdefault(
            image, {**header(image, image), "questions": 0, "right": 0, "neither": 0}
        )
        if pair.setdefault("category", category) != category:
            raise BadSampleError(
                f"The image {image!r} has questions of {pair['category']!r} and of {category!r}. "
                "Files of two categories share a name: put the category into the image's id."
            )
        pair["questions"] += 1
        pair["neither"] += entry(record, "answer") == "other"
        pair["right"] += entry(record, "answer") == entry(record, "truth")
    for pair in pairs.values():
        if pair["questions"] != 2:
            raise BadSampleError(
                f"MME asks two questions on each image, got {pair['questions']} on {pair['id']!r}."
            )
    return list(pairs.values())


def _measured(pair: Mapping[str, Any]) -> dict[str, float]:
    acc, both = pair["right"] / 2, float(pair["right"] == 2)
    numbers = {_IMAGES: 1.0, _QUESTIONS: 2.0, "MME ACC": acc, "MME ACC+": both}
    numbers[_UNPARSED] = float(pair["neither"])
    for category in (*PERCEPTION, *COGNITION):
        own = float(pair["category"] == category)
        numbers[f"{category} {_IMAGES}"], numbers[f"{category} {_QUESTIONS}"] = own, 2 * own
        numbers[f"MME {category}"] = own * 100 * (acc + both)
        numbers[f"MME {category} acc"], numbers[f"MME {category} acc+"] = own * acc, own * both
    return numbers


def _total(sums: ImageSums, kind: str, categories: Sequence[str], seed: int) -> Score:
    """Sum over categories; one of which a resample holds no image keeps its value in it."""
    detail = {"categories": list(categories)}
    if not categories:
        return Score(f"MME {kind}", None, 0, _QUESTIONS, 0, detail)
    tops = np.stack([sums[f"MME {name}"] for name in categories], axis=1)
    counts = np.stack([sums[f"{name} {_IMAGES}"] for name in categories], axis=1)
    mine = counts.any(axis=1)
    values = tops.sum(axis=0) / counts.sum(axis=0)

    def statistic(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        top, count = np.hsplit(drawn, 2)
        kept = np.broadcast_to(values, top.shape).copy()
        return np.asarray(np.divide(top, count, out=kept, where=count > 0).sum(axis=1))

    interval = bootstrap_sums(np.hstack([tops, counts])[mine], statistic, seed=seed)
    images = int(mine.sum())
    return Score(f"MME {kind}", interval, 2 * images, _QUESTIONS, images, detail)
