"""POPE: is there a ... in the image, yes or no (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from vlmscope.errors import BadOptionError
from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.records import Record, Records, entry, header
from vlmscope.metrics.score import Score

__all__ = ["Pope"]

_QUESTIONS, _SAID, _TRUE, _EITHER = "questions", "said yes", "truly yes", "said or truly yes"

_READINGS = {
    "first-sentence": (
        "of the first sentence, commas removed: any of the words No, not, no means no, everything "
        "else yes; unparsed: share of answers without one of these words or yes"
    ),
    "exact": (
        "answers that are yes or no but for case, spaces and a full stop at the end; every other is "
        "unparsed, which is wrong and neither yes nor no"
    ),
}

_UNPARSED = {
    "first-sentence": "answer with neither yes nor no in its first sentence, which counts as yes",
    "exact": "answer that is not the bare yes or no, which counts as wrong",
}


@dataclass(frozen=True)
class Pope:
    """Accuracy, precision, recall, F1, the share of yes, and of answers that are neither.

    Attributes:
        reading: ``"first-sentence"`` as POPE's own code reads answers, where whatever is not no is
            yes; ``"exact"`` as other harnesses do, where only the bare word counts.

    Raises:
        BadOptionError: another reading.
    """

    reading: Literal["first-sentence", "exact"] = "first-sentence"

    def __post_init__(self) -> None:
        if self.reading not in _READINGS:
            known = " or ".join(map(repr, _READINGS))
            raise BadOptionError(f"reading is {known}, got {self.reading!r}.")

    @property
    def definition(self) -> str:
        """What the scores are, word for word."""
        return (
            f"{_READINGS[self.reading]}; accuracy: share of right answers; precision, recall and F1 "
            "with yes as the positive; yes ratio: share of answers that are yes"
        )

    def record(self, sample: str | int, image: str | int, text: str, *, truth: bool) -> Record:
        """``{"id", "image", "answer", "parsed", "truth"}`` of one question.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            text: what the model wrote.
            truth: whether the object is in the image.

        Raises:
            BadSampleError: ids that are none.
        """
        answer, parsed = _first_sentence(text) if self.reading == "first-sentence" else _exact(text)
        reading = {"answer": answer, "parsed": parsed}
        return {**header(sample, image), **reading, "truth": "yes" if truth else "no"}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``POPE accuracy``, ``precision``, ``recall``, ``F1``, ``yes ratio`` and ``unparsed``.

        Precision is without an interval where no answer is yes, recall where no truth is.

        Args:
            records: one per question, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a question that is there twice, or another metric's record.
        """
        sums = ImageSums.of(records, _measured)

        def ratio(metrics: list[str], over: str) -> list[Score]:
            return sums.scores(metrics, over=over, counted=_QUESTIONS, unit=_QUESTIONS, seed=seed)

        [unparsed] = ratio(["POPE unparsed"], _QUESTIONS)
        return [
            *ratio(["POPE accuracy"], _QUESTIONS),
            *ratio(["POPE precision"], _SAID),
            *ratio(["POPE recall"], _TRUE),
            *ratio(["POPE F1"], _EITHER),
            *ratio(["POPE yes ratio"], _QUESTIONS),
            _with_count(unparsed, sums, self.reading),
        ]


def _with_count(unparsed: Score, sums: ImageSums, reading: str) -> Score:
    """With a note on what unparsed answers count as, where there are some."""
    count = round(float(sums[unparsed.metric].sum()))
    notes = {"notes": {_UNPARSED[reading]: count}} if count else {}
    return replace(unparsed, detail={**unparsed.detail, **notes})


def _first_sentence(text: str) -> tuple[str, bool]:
    words = text.split(".")[0].replace(",", "").split(" ")
    refusals = {"No", "not", "no"} & set(words)
    known = refusals or {"yes", "no"} & {word.strip().lower() for word in words}
    return "no" if refusals else "yes", bool(known)


def _exact(text: str) -> tuple[str | None, bool]:
    word = text.strip().removesuffix(".").lower()
    return (word, True) if word in ("yes", "no") else (None, False)


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    answer, truth = entry(record, "answer"), entry(record, "truth")
    said, true = answer == "yes", truth == "yes"
    hit = float(said and true)
    return {
        _QUESTIONS: 1.0,
        _SAID: float(said),
        _TRUE: float(true),
        _EITHER: float(said) + float(true),  # 2 TP + FP + FN
        "POPE accuracy": float(answer == truth),
        "POPE precision": hit,
        "POPE recall": hit,
        "POPE F1": 2 * hit,
        "POPE yes ratio": float(said),
        "POPE unparsed": float(not entry(record, "parsed")),
    }
