"""Whether words look at the object that they are said of: by kind of word, beside the other objects."""

from __future__ import annotations

import hashlib
import itertools
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.record import run_record
from vlmscope.analysis.tokens.kinds import KINDS, kinds_of
from vlmscope.analysis.tokens.looks import layer_ranges, map_overlap
from vlmscope.analysis.tokens.measure import TokenOptions, token_grounding
from vlmscope.analysis.tokens.objects_result import ObjectLooks, OwnAndOther, WordObjects
from vlmscope.analysis.tokens.peaks import around, peak_hits
from vlmscope.analysis.tokens.result import GroundedAnswer
from vlmscope.data.questions import BAD_QUESTION, Question, as_questions
from vlmscope.data.resume import SampleLog, how_many, measured
from vlmscope.data.skipped import skipped_samples
from vlmscope.errors import BadSampleError, SkippedWarning
from vlmscope.markup import shorten
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.paired import interval_of, paired, resampled, summed_scores
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.post import mask_coverage

__all__ = ["word_objects"]

_MEASURES = ("peak", "share", "overlap")

Span = tuple[int, int]


def word_objects(
    model: LoadedModel,
    rows: Iterable[Any],
    ranges: Sequence[Span] | None = None,
    options: TokenOptions | None = None,
    *,
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> WordObjects:
    """Where words of each kind look, held against their own object and the others of the picture.

    Each answer is fed in, so that every word's object is known; answers are read once for all of
    their objects. The map of a word is held against the mask of the object that it is said of and
    against those of the others, and its overlap with the map of the noun it is said of against that
    with the other nouns: both within answers, and paired.

    Args:
        model: the model.
        rows: questions with an answer, a phrase that is a part of it, and the mask of its object;
            those of one picture, question and answer one after the other, see
            :mod:`vlmscope.data.object_rows`. Answers that cannot be used are skipped and counted.
        ranges: (first, last) layers, both included; None: the quarters of the decoder.
        options: see :class:`TokenOptions`; its own layers are not read.
        seed: of the intervals.
        resume: state file: finished answers are not read again.
        progress: show a bar on stderr.

    Raises:
        AttentionError: a layer that the decoder does not have.
        BadOptionError: a range whose last layer comes before its first.
        BadSampleError: no answer that can be used.
    """
    check_model(model)
    options = options or TokenOptions()
    spans = layer_ranges(ranges, len(model.layers))
    run = run_record(
        model, analysis="word objects", **asdict(options), ranges=[list(span) for span in spans]
    )
    log = SampleLog(resume, run)
    unreadable: list[tuple[str, str]] = []
    done = measured(
        _answers(as_questions(rows, unreadable)),
        log,
        lambda answer: _measure(model, answer, spans, options),
        key=lambda answer: answer.digest,
        name=lambda answer: answer.place,
        title="tokens",
        total=how_many(rows),
        progress=progress,
        bad=BAD_QUESTION,
    )
    skipped = skipped_samples(rows, (*unreadable, *done.skipped))
    if not done.ids:
        first = f" The first is {skipped[0]}" if skipped else ""
        raise BadSampleError(f"None of the {len(skipped)} answers can be used.{first}")
    if skipped:
        warnings.warn(
            f"{len(skipped)} answers were skipped. The first is {skipped[0]}",
            SkippedWarning,
            stacklevel=2,
        )
    records = {each: log[each] for each in done.ids}
    looks = [
        look
        for kind, (number, span) in itertools.product(KINDS, enumerate(spans))
        if (look := _look(records, kind, number, span, seed)) is not None
    ]
    objects = sum(record["objects"] for record in records.values())
    return WordObjects(run, len(records), objects, tuple(looks), skipped)


@dataclass(frozen=True, eq=False)
class _Answer:
    """Rows of one picture, question and answer."""

    rows: tuple[Question, ...]

    @property
    def place(self) -> str:
        return self.rows[0].place or self.rows[0].digest

    @property
    def digest(self) -> str:
        more = hashlib.sha256()
        for row in self.rows:
            more.update(repr(row.phrase).encode())
            if row.mask is not None:
                more.update(np.packbits(row.mask).tobytes())
        return f"{self.rows[0].digest}-{more.hexdigest()[:8]}"

    def checked(self) -> tuple[str, list[tuple[str, NDArray[np.bool_]]]]:
        """The answer, and the objects with what is said of each.

        Raises:
            BadSampleError: something is missing, or there is nothing to hold an object against.
        """
        answer, objects = self.rows[0].answer, []
        if answer is None or not answer.strip():
            raise BadSampleError(
                "It has no answer: words are held against objects in an answer that is given."
            )
        for row in self.rows:
            if row.phrase is None or row.mask is None:
                lacks = "phrase" if row.phrase is None else "mask"
                raise BadSampleError(
                    f"It has no {lacks}: each row names a part of the answer and its object's mask."
                )
            if not row.mask.any():
                raise BadSampleError(f"The mask of {row.phrase!r} is empty, so it shows no object.")
            objects.append((row.phrase, row.mask))
        if len(objects) < 2:
            raise BadSampleError(
                "Its answer has one object, and there is no other to hold it against. Give rows of two "
                "or more, one after the other."
            )
        return answer, objects


def _answers(questions: Iterable[Question]) -> Iterator[_Answer]:
    for _, rows in itertools.groupby(questions, lambda question: question.digest):
        yield _Answer(tuple(rows))


def _measure(
    model: LoadedModel, rows: _Answer, spans: Sequence[Span], options: TokenOptions
) -> dict[str, Any]:
    """Sums over the words of each kind; JSON values."""
    text, objects = rows.checked()
    first = rows.rows[0]
    answer = token_grounding(model, first.image, first.text, text, options, phrases=[])
    parts = _parts(answer, [phrase for phrase, _ in objects])
    kinds = kinds_of([word.text for word in answer.words], parts)
    masks = [mask for _, mask in objects]
    areas = [float(mask.mean()) for mask in masks]
    scorer = _Scorer(answer, masks, _nouns(parts, kinds), spans)
    sums: dict[str, dict[str, Any]] = {}
    for number, part in enumerate(parts):
        for word in part:
            add = sums.setdefault(kinds[word], {"words": 0, "area": 0.0, "scores": {}})
            add["words"] += 1
            add["area"] += areas[number]
            for name, values in scorer.of(word, number).items():
                before = add["scores"].get(name, [0.0] * len(spans))
                add["scores"][name] = [a + b for a, b in zip(before, values, strict=True)]
    return {"answer": answer.text, "objects": len(objects), "kinds": sums}


def _parts(answer: GroundedAnswer, phrases: Sequence[str]) -> list[list[int]]:
    """Words of each part; one that occurs twice is looked for after the part before it.

    Raises:
        BadSampleError: a part that the answer does not hold, after the one before it.
    """
    parts, at, text = [], 0, answer.text.casefold()
    for phrase in phrases:
        plain = phrase.strip().casefold()
        start = text.find(plain, at) if plain else -1
        at = start + len(plain)
        spans = enumerate(each.word for each in answer.words)
        inside = [number for number, word in spans if word.start < at and word.end > start]
        if start < 0 or not inside:
            raise BadSampleError(
                f"Its answer, read back as {shorten(answer.text, 120)!r}, does not hold {phrase!r} after "
                "what was named before. Rows name parts of the answer, in its order."
            )
        parts.append(inside)
    return parts


def _nouns(parts: Sequence[Sequence[int]], kinds: Sequence[str]) -> list[int | None]:
    return [next((word for word in part if kinds[word] == "noun"), None) for part in parts]


@dataclass(frozen=True, eq=False)
class _Scorer:
    """Scores of words on their own object, and mean scores on the others."""

    answer: GroundedAnswer
    masks: Sequence[NDArray[np.bool_]]
    nouns: Sequence[int | None]
    spans: Sequence[Span]

    def of(self, word: int, own: int) -> dict[str, list[float]]:
        """By measure and side one score for each range of layers."""
        others = [number for number in range(len(self.masks)) if number != own]
        peaks = [self._peaks(word, number) for number in range(len(self.masks))]
        shares = [self._shares(word, number) for number in range(len(self.masks))]
        scores = {
            "peak own": peaks[own],
            "peak other": _mean([peaks[number] for number in others]),
            "share own": shares[own],
            "share other": _mean([shares[number] for number in others]),
        }
        noun = self.nouns[own]
        elsewhere = [each for number in others if (each := self.nouns[number]) is not None]
        if noun is not None and noun != word and elsewhere:
            scores["overlap own"] = self._overlaps(word, noun)
            scores["overlap other"] = _mean([self._overlaps(word, each) for each in elsewhere])
            scores["paired"] = [1.0] * len(self.spans)
        return scores

    def _peaks(self, word: int, number: int) -> list[float]:
        near = around(self.masks[number])
        return [float(hit) for hit in peak_hits(self.answer, word, self.spans, near)]

    def _shares(self, word: int, number: int) -> list[float]:
        coverage = mask_coverage(self.answer.token_map, self.masks[number])
        return [_share(self.answer.map_of(word, span), coverage) for span in self.spans]

    def _overlaps(self, word: int, noun: int) -> list[float]:
        return [
            map_overlap(self.answer.map_of(word, span), self.answer.map_of(noun, span))
            for span in self.spans
        ]


def _share(weights: NDArray[np.float64], coverage: NDArray[np.float64]) -> float:
    total = float(weights.sum())
    return float(weights @ coverage) / total if total else 0.0


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    means: list[float] = np.mean(rows, axis=0).tolist()
    return means


def _look(
    records: Mapping[str, dict[str, Any]], kind: str, number: int, span: Span, seed: int
) -> ObjectLooks | None:
    """Words of a kind in one range of layers; None where no answer has any."""
    mine = {key: each["kinds"][kind] for key, each in records.items() if kind in each["kinds"]}
    if not mine:
        return None
    words = sum(each["words"] for each in mine.values())
    area = sum(each["area"] for each in mine.values()) / words
    peak, share, overlap = (_sides(mine, name, number, seed) for name in _MEASURES)
    assert peak is not None and share is not None  # of every word
    return ObjectLooks(kind, span, words, area, peak, share, overlap)


def _sides(
    sums: Mapping[str, dict[str, Any]], measure: str, number: int, seed: int
) -> OwnAndOther | None:
    """A measure on the own object, on the others, and the difference; None where nothing has it."""
    sides = (f"{measure} own", f"{measure} other")

    def row(key: str, each: dict[str, Any]) -> dict[str, Any]:
        scores = each["scores"]
        count = scores["paired"][number] if measure == "overlap" else each["words"]
        return {
            "id": key,
            "image": key,
            SENTENCES: count,
            **{side: scores[side][number] for side in sides},
        }

    rows = [row(key, each) for key, each in sums.items() if sides[0] in each["scores"]]
    if not rows:
        return None
    table = ImageSums.of(rows, lambda each: {name: each[name] for name in (*sides, SENTENCES)})
    own, other = summed_scores(table, sides)
    found = interval_of(resampled(own, seed=seed)), interval_of(resampled(other, seed=seed))
    difference = paired(own, other, seed=seed).difference
    assert found[0] is not None and found[1] is not None and difference is not None  # words
    return OwnAndOther(found[0], found[1], difference)
