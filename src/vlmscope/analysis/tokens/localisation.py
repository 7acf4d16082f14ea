"""Do words look at the object they are about? The localisation score, by ranges of layers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.tokens.measure import TokenOptions, token_grounding
from vlmscope.analysis.tokens.peaks import TOLERANCE, around, peak_hits
from vlmscope.analysis.tokens.ranges import layer_ranges
from vlmscope.analysis.tokens.result import GroundedAnswer
from vlmscope.attention import image_layers
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.data.skipped import SkippedSample
from vlmscope.errors import BadSampleError
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.stats import Interval, bootstrap_ratios

__all__ = ["Localisation", "localisation", "question_key"]


@dataclass(frozen=True)
class Localisation:
    """Share of words whose attention peaks on the object, per range of layers.

    Attributes:
        ranges: (first, last) layer of each range.
        all_words: share over all words, with its interval over samples.
        lost_words: over words that are lost when the answer may not read the image; None: there
            are none.
        chance: what a peak put anywhere on the image would score.
        words, lost: how many there were.
        tolerance: in pixels of the longer side's share, see :func:`localisation`.
        skipped: questions that could not be used, and why.
    """

    ranges: tuple[tuple[int, int], ...]
    all_words: tuple[Interval, ...]
    lost_words: tuple[Interval, ...] | None
    chance: float
    words: int
    lost: int
    tolerance: float
    skipped: tuple[SkippedSample, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        values = {name: value for name, value in asdict(self).items() if name != "skipped"}
        return {
            **values,
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
        }


def localisation(
    model: LoadedModel,
    samples: Iterable[Any],
    ranges: Sequence[tuple[int, int]] | None = None,
    options: TokenOptions | None = None,
    *,
    tolerance: float = TOLERANCE,
    progress: bool = False,
) -> Localisation:
    """The localisation score of answers to questions about ONE object each.

    A word counts when the peak of its map lies in the object's mask or at most ``tolerance`` away
    from it (docs/methods/token-grounding.md; the paper's 40 pixels).

    Args:
        model: the model.
        samples: questions with masks; see :func:`vlmscope.data.questions.as_questions`. Those
            without one, that cannot be used or repeat another are skipped, counted and warned of.
        ranges: (first, last) layers, both included; None: every layer that can look at the
            image, by itself.
        options: see :class:`TokenOptions`.
        tolerance: as a share of the image's longer side.
        progress: show a bar on stderr.

    Raises:
        AttentionError: a layer that the decoder does not have, or a range in which no layer looks at
            the image.
        BadOptionError: a range whose last layer comes before its first.
        BadSampleError: no sample with a mask, or none that can be used.
    """
    check_model(model)
    spans = layer_ranges(ranges or [(layer, layer) for layer in image_layers(model)], model)

    def measure(question: Question) -> dict[str, Any]:
        if question.mask is None:
            raise BadSampleError("It has no mask: a localisation score needs questions with masks.")
        answer = token_grounding(
            model, question.image, question.text, question.answer, options, phrases=[]
        )
        near = around(question.mask, tolerance)
        return {"tally": asdict(_tally(answer, near, spans))}

    log = SampleLog(None, {})
    done = measure_questions(
        model,
        samples,
        log,
        measure,
        needed_by="A localisation score",
        key=question_key,
        title="tokens",
        progress=progress,
    )
    tallies = [_Tally(**log[key]["tally"]) for key in done.ids]
    lost = sum(tally.lost for tally in tallies)
    return Localisation(
        spans,
        _shares([tally.hits for tally in tallies], [tally.words for tally in tallies]),
        _shares([t.lost_hits for t in tallies], [t.lost for t in tallies]) if lost else None,
        float(np.mean([tally.chance for tally in tallies])),
        sum(tally.words for tally in tallies),
        lost,
        tolerance,
        done.skipped,
    )


def question_key(question: Question) -> str:
    """The same question about another object is another one."""
    if question.mask is None:
        return question.digest
    mask = hashlib.sha256(np.packbits(question.mask).tobytes()).hexdigest()[:8]
    return f"{question.digest}-{mask}"


@dataclass(frozen=True)
class _Tally:
    hits: list[int]
    lost_hits: list[int]
    words: int
    lost: int
    chance: float


def _tally(
    answer: GroundedAnswer, near: NDArray[np.bool_], spans: Sequence[tuple[int, int]]
) -> _Tally:
    lost = np.array([word.lost for word in answer.words])
    hits = np.array([peak_hits(answer, index, spans, near) for index in range(len(answer.words))])
    return _Tally(
        hits.sum(axis=0).tolist(),
        hits[lost].sum(axis=0).tolist(),
        len(hits),
        int(lost.sum()),
        float(near.mean()),
    )


def _shares(hits: Sequence[Sequence[int]], words: Sequence[int]) -> tuple[Interval, ...]:
    return bootstrap_ratios(np.array(hits, dtype=float), np.array(words, dtype=float))
