"""Where words look, by kind of word and range of layers: does "red" look where "bike" looks?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.record import run_record
from vlmscope.analysis.tokens.kinds import KINDS, kinds_of
from vlmscope.analysis.tokens.localisation import question_key
from vlmscope.analysis.tokens.looks_result import KindLooks, PairLooks, WordLooks
from vlmscope.analysis.tokens.measure import TokenOptions, token_grounding
from vlmscope.analysis.tokens.peaks import around, peak_hits
from vlmscope.analysis.tokens.ranges import Span, layer_ranges, mean_over_layers
from vlmscope.analysis.tokens.result import GroundedAnswer
from vlmscope.analysis.tokens.words import noun_phrases
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question, as_questions
from vlmscope.data.resume import SampleLog
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.stats import bootstrap, bootstrap_ratios

__all__ = ["map_overlap", "word_looks"]

_PAIRED = ("colour", "size", "texture", "position")  # kinds that are said of a noun


def word_looks(
    model: LoadedModel,
    samples: Iterable[Any],
    ranges: Sequence[Span] | None = None,
    options: TokenOptions | None = None,
    *,
    ask: str | None = None,
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> WordLooks:
    """Attention, hits and agreement of words by kind, with intervals over questions.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`; masks of the object asked about
            make hits. Those that cannot be used or repeat another are skipped and counted.
        ranges: (first, last) layers, both included; None: the quarters of the decoder.
        options: see :class:`TokenOptions`; its own layers are not read.
        ask: asked in place of every question, for captions that name several things; answers and
            masks of the samples, which are of their own questions, are then left out.
        seed: of the intervals.
        resume: state file: finished questions are not computed again.
        progress: show a bar on stderr.

    Raises:
        AttentionError: a layer that the decoder does not have, or a range in which no layer looks at
            the image.
        BadOptionError: a range whose last layer comes before its first.
        BadSampleError: no question, or none that can be used.
    """
    check_model(model)
    options = options or TokenOptions()
    spans = layer_ranges(ranges, model)
    run = run_record(
        model,
        analysis="words",
        **asdict(options),
        ask=ask,
        ranges=[list(span) for span in spans],
    )
    log = SampleLog(resume, run)

    def measure(question: Question) -> dict[str, Any]:
        answer = token_grounding(
            model, question.image, question.text, question.answer, options, phrases=[]
        )
        return _tally(answer, None if question.mask is None else around(question.mask), spans)

    done = measure_questions(
        model,
        samples if ask is None else list(_asked(samples, ask)),
        log,
        measure,
        needed_by="A look at words",
        key=question_key,
        title="tokens",
        progress=progress,
    )
    records = [log[each] for each in done.ids]
    kinds = [look for kind in ("all", *KINDS) for look in _looks(records, kind, spans, seed)]
    pairs = [look for kind in _PAIRED for look in _agreement(records, kind, spans, seed)]
    nothing = sum(not record["objects"] for record in records)
    return WordLooks(run, len(records), tuple(kinds), tuple(pairs), nothing, done.skipped)


def _asked(samples: Iterable[Any], text: str) -> Iterator[Question]:
    """The same pictures under one prompt, each once."""
    seen = set()
    for question in as_questions(samples, []):
        other = replace(question, text=text, answer=None, references=(), mask=None)
        if other.digest not in seen:
            seen.add(other.digest)
            yield other


def _tally(
    answer: GroundedAnswer, near: NDArray[np.bool_] | None, spans: Sequence[Span]
) -> dict[str, Any]:
    """What one answer adds to the sums of every kind; JSON values."""
    texts = [word.text for word in answer.words]
    phrases = [
        list(range(first, last))
        for first, last in noun_phrases(answer.text, [word.word for word in answer.words])
    ]
    kinds = kinds_of(texts, phrases)
    hits = None
    if near is not None:
        hits = [peak_hits(answer, index, spans, near) for index in range(len(texts))]
    sums = {
        kind: _sums(
            answer, [n for n, each in enumerate(kinds) if kind in ("all", each)], hits, spans
        )
        for kind in ("all", *KINDS)
    }
    return {
        "answer": answer.text,
        "kinds": sums,
        "pairs": {kind: _pairs(answer, kinds, phrases, kind, spans) for kind in _PAIRED},
        "objects": kinds.count("noun"),
        "chance": None if near is None else float(near.mean()),
    }


def _sums(
    answer: GroundedAnswer,
    mine: Sequence[int],
    hits: Sequence[Sequence[bool]] | None,
    spans: Sequence[Span],
) -> dict[str, Any]:
    words = [answer.words[index] for index in mine]
    over = [[word.attention_over_blank(slice(a, b + 1)) for word in words] for a, b in spans]
    share = [[mean_over_layers(word.share[a : b + 1]) for word in words] for a, b in spans]
    return {
        "words": len(words),
        "lost": sum(word.lost for word in words),
        "gain": sum(word.gain for word in words),
        "share": [sum(each) for each in share],
        "over_blank": [sum(each) for each in over],
        "hits": None
        if hits is None
        else [sum(hits[index][n] for index in mine) for n in range(len(spans))],
    }


def _pairs(
    answer: GroundedAnswer,
    kinds: Sequence[str],
    phrases: Sequence[Sequence[int]],
    kind: str,
    spans: Sequence[Span],
) -> dict[str, Any] | None:
    """Mean overlap of words of a kind with the noun they are said of, and with other nouns.

    None unless the answer has both: the two are compared within answers.
    """
    heads = [(phrase, next((n for n in phrase if kinds[n] == "noun"), None)) for phrase in phrases]
    named = [(phrase[0], noun) for phrase, noun in heads if noun is not None]
    same, other = [], []
    for word in (n for n, each in enumerate(kinds) if each == kind):
        before = [noun for first, noun in named if first <= word]
        if before and (kind == "position" or word < before[-1]):
            same.append((word, before[-1]))
            other += [(word, noun) for _, noun in named if noun != before[-1]]
    if not same or not other:
        return None
    return {
        "count": len(same),
        "same": [_overlap(answer, same, span) for span in spans],
        "other": [_overlap(answer, other, span) for span in spans],
    }


def _overlap(answer: GroundedAnswer, pairs: Sequence[tuple[int, int]], span: Span) -> float:
    """Mean over pairs of sum(min(p, q)), p and q the two words' maps made to sum to 1: 0..1."""
    maps = ([answer.map_of(word, span) for word in pair] for pair in pairs)
    return float(np.mean([map_overlap(p, q) for p, q in maps]))


def map_overlap(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Sum of the smaller of two maps, each made to sum to 1: 0..1; 0 where one of them is empty."""
    if not p.sum() or not q.sum():
        return 0.0
    return float(np.minimum(p / p.sum(), q / q.sum()).sum())


def _looks(
    records: Sequence[dict[str, Any]], kind: str, spans: Sequence[Span], seed: int
) -> Iterator[KindLooks]:
    sums = [record["kinds"][kind] for record in records]
    words = np.array([each["words"] for each in sums], dtype=float)
    if not words.any():
        return
    judged = [n for n, each in enumerate(sums) if each["hits"] is not None]
    plain = np.array([[each["lost"], each["gain"]] for each in sums], dtype=float)
    lost, gain = bootstrap_ratios(plain, words, seed=seed)
    share = bootstrap_ratios(np.array([each["share"] for each in sums]), words, seed=seed)
    over = bootstrap_ratios(np.array([each["over_blank"] for each in sums]), words, seed=seed)
    hits = None
    if judged and words[judged].any():
        table = np.array([sums[n]["hits"] for n in judged], dtype=float)
        hits = bootstrap_ratios(table, words[judged], seed=seed)
    chances = [records[n]["chance"] for n in judged]
    for number, span in enumerate(spans):
        yield KindLooks(
            kind,
            span,
            int(words.sum()),
            share[number],
            over[number],
            None if hits is None else hits[number],
            float(np.mean(chances)) if hits is not None else None,
            lost,
            gain,
        )


def _agreement(
    records: Sequence[dict[str, Any]], kind: str, spans: Sequence[Span], seed: int
) -> Iterator[PairLooks]:
    pairs = [record["pairs"][kind] for record in records if record["pairs"][kind] is not None]
    if not pairs:
        return
    for number, span in enumerate(spans):
        same = [each["same"][number] for each in pairs]
        other = [each["other"][number] for each in pairs]
        yield PairLooks(
            kind,
            span,
            sum(each["count"] for each in pairs),
            len(pairs),
            bootstrap(same, seed=seed),
            bootstrap(other, seed=seed),
            bootstrap([a - b for a, b in zip(same, other, strict=True)], seed=seed),
        )
