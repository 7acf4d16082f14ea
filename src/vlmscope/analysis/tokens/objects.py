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
from vlmscope.analysis.tokens.looks import map_overlap
from vlmscope.analysis.tokens.measure import TokenOptions
from vlmscope.analysis.tokens.objects_result import ObjectLooks, OwnAndOther, WordObjects
from vlmscope.analysis.tokens.peaks import around, lies_in
from vlmscope.analysis.tokens.ranges import Span, layer_ranges
from vlmscope.analysis.tokens.word_maps import WordMaps, read_words
from vlmscope.analysis.tokens.words import noun_phrases
from vlmscope.data.questions import BAD_QUESTION, Question, as_questions
from vlmscope.data.resume import SampleLog, how_many, measured
from vlmscope.data.skipped import skipped_samples
from vlmscope.errors import BadSampleError, SkippedWarning
from vlmscope.markup import shorten
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.paired import interval_of, paired, resampled, summed_scores
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.post import mask_coverage, peak

__all__ = ["word_objects"]

_MEASURES = ("peak", "share", "overlap")


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
            :mod:`vlmscope.analysis.tokens.object_rows`. Answers that cannot be used are skipped and counted.
        ranges: (first, last) layers, both included; None: the quarters of the decoder.
        options: see :class:`TokenOptions`; its own layers are not read.
        seed: of the intervals.
        resume: state file: finished answers are not read again.
        progress: show a bar on stderr.

    Raises:
        AttentionError: a layer that the decoder does not have, or a range in which no layer looks at
            the image.
        BadOptionError: a range whose last layer comes before its first.
        BadSampleError: no answer that can be used.
    """
    check_model(model)
    options = options or TokenOptions()
    spans = layer_ranges(ranges, model)
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
    answer = read_words(model, first.image, first.text, text, options)
    parts = _parts(answer, [phrase for phrase, _ in objects])
    named = [list(range(*span)) for span in noun_phrases(answer.text, answer.words)]
    kinds = kinds_of([word.text for word in answer.words], named)
    masks = [mask for _, mask in objects]
    areas = [float(mask.mean()) for mask in masks]
    scorer = _Scorer.of(answer, masks, _nouns(parts, kinds), spans)
    sums: dict[str, dict[str, Any]] = {}
    for number, part in enumerate(parts):
        for word in part:
            add = sums.setdefault(kinds[word], {"words": 0, "area": 0.0, "scores": {}})
            add["words"] += 1
            add["area"] += areas[number]
            for name, values in scorer.scores(word, number).items():
                before = add["scores"].get(name, [0.0] * len(spans))
                add["scores"][name] = [a + b for a, b in zip(before, values, strict=True)]
    return {"answer": answer.text, "objects": len(objects), "kinds": sums}


def _parts(answer: WordMaps, phrases: Sequence[str]) -> list[list[int]]:
    """Words of each part; one that occurs twice is looked for after the part before it.

    Raises:
        BadSampleError: a part that the answer does not hold, after the one before it.
    """
    parts, at, text = [], 0, answer.text.casefold()
    for phrase in phrases:
        plain = phrase.strip().casefold()
        start = text.find(plain, at) if plain else -1
        at = start + len(plain)
        spans = list(enumerate(answer.words))
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
    """Scores of words on their own object, and mean scores on the others.

    Attributes:
        answer: whose words.
        regions: of each object, its mask and what is near it.
        coverages: of each object, the share of every cell inside it.
        nouns: of each object, the word that names it.
        spans: ranges of layers.
    """

    answer: WordMaps
    regions: Sequence[NDArray[np.bool_]]
    coverages: NDArray[np.float64]
    nouns: Sequence[int | None]
    spans: Sequence[Span]

    @classmethod
    def of(
        cls,
        answer: WordMaps,
        masks: Sequence[NDArray[np.bool_]],
        nouns: Sequence[int | None],
        spans: Sequence[Span],
    ) -> _Scorer:
        coverages = np.stack([mask_coverage(answer.token_map, mask) for mask in masks])
        return cls(answer, list(map(around, masks)), coverages, nouns, spans)

    def scores(self, word: int, own: int) -> dict[str, list[float]]:
        """By measure and side one score for each range of layers."""
        maps = [self.answer.map_of(word, span) for span in self.spans]
        noun = self.nouns[own]
        elsewhere = [each for n, each in enumerate(self.nouns) if n != own and each is not None]
        sides: dict[str, list[list[float]]] = {
            "peak": [self._peaks(each) for each in maps],
            "share": [self._shares(each) for each in maps],
        }
        scores = {}
        for name, rows in sides.items():
            scores[f"{name} own"] = [row[own] for row in rows]
            scores[f"{name} other"] = [float(np.mean(np.delete(row, own))) for row in rows]
        if noun is not None and noun != word and elsewhere:
            scores["overlap own"] = self._overlaps(maps, noun)
            others = [self._overlaps(maps, each) for each in elsewhere]
            scores["overlap other"] = np.mean(others, axis=0).tolist()
            scores["paired"] = [1.0] * len(self.spans)
        return scores

    def _peaks(self, weights: NDArray[np.float64]) -> list[float]:
        """For each object whether the map's peak lies on it or near it."""
        point = peak(self.answer.token_map, weights)
        return [float(lies_in(region, point)) for region in self.regions]

    def _shares(self, weights: NDArray[np.float64]) -> list[float]:
        total = float(weights.sum())
        shares: list[float] = (self.coverages @ weights / (total or 1.0)).tolist()
        return shares

    def _overlaps(self, maps: Sequence[NDArray[np.float64]], noun: int) -> list[float]:
        pairs = zip(maps, self.spans, strict=True)
        return [map_overlap(each, self.answer.map_of(noun, span)) for each, span in pairs]


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
