"""Scores of every measure and share, from the answers of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vlmscope.analysis.agreement import agrees
from vlmscope.analysis.context.curve import ContextPoint
from vlmscope.metrics.mme import Mme
from vlmscope.stats import Interval, bootstrap

__all__ = ["context_points"]

_CONTROL = "random"
_ACCURACY = "MME ACC"

Record = dict[str, Any]
Judge = Callable[[Record, int], list[bool]]
"""Of a picture's record and the place of a context: which of its answers are right."""


def context_points(records: Sequence[Record], seed: int) -> tuple[ContextPoint, ...]:
    """A point per measure and share; intervals are over pictures.

    Args:
        records: as in :class:`ContextCurve`, every one with the same contexts.
        seed: of the intervals.
    """
    keys = [(context["by"], context["keep"]) for context in records[0]["contexts"]]
    control = {keep: place for place, (by, keep) in enumerate(keys) if by == _CONTROL}
    return tuple(
        _point(records, place, None if by == _CONTROL else control.get(keep), seed)
        for place, (by, keep) in enumerate(keys)
        if place  # the first is the whole
    )


def _point(records: Sequence[Record], place: int, control: int | None, seed: int) -> ContextPoint:
    contexts = [record["contexts"][place] for record in records]
    yes_no = "truth" in records[0]["questions"][0]
    judged = [record for record in records if _is_judged(record)]
    judge, compared = (_right, judged) if judged else (_as_whole, records)
    mme = _mme(records, place, seed) if yes_no else None
    accuracy = _shares(judged, place, _right, seed) if judged else None
    return ContextPoint(
        contexts[0]["by"],
        contexts[0]["keep"],
        mme[0][_ACCURACY] if mme else accuracy,
        bootstrap(_means(records, place, _as_whole), seed=seed),
        _mean([each["tokens"] for each in contexts]),
        _mean([each["size"] for each in contexts]),
        _mean([seconds for each in contexts for seconds in each["seconds"]]),
        None if control is None else _difference(compared, place, control, judge, seed),
        mme[0] if mme else None,
        mme[1] if mme else None,
    )


def _is_judged(record: Record) -> bool:
    return any("truth" in asked or asked["references"] for asked in record["questions"])


def _right(record: Record, place: int) -> list[bool]:
    answers = record["contexts"][place]["answers"]
    pairs = zip(record["questions"], answers, strict=True)
    if "truth" in record["questions"][0]:
        judged = [_yes_no(record, asked, text) for asked, text in pairs]
        return [each["answer"] == each["truth"] for each in judged]
    return [agrees(text, asked["references"]) for asked, text in pairs if asked["references"]]


def _as_whole(record: Record, place: int) -> list[bool]:
    pairs = zip(record["contexts"][place]["answers"], record["contexts"][0]["answers"], strict=True)
    return [answer == whole for answer, whole in pairs]


def _means(records: Sequence[Record], place: int, judge: Judge) -> list[float]:
    return [_mean([float(each) for each in judge(record, place)]) for record in records]


def _shares(records: Sequence[Record], place: int, judge: Judge, seed: int) -> Interval:
    return bootstrap(_means(records, place, judge), seed=seed)


def _difference(
    records: Sequence[Record], place: int, control: int, judge: Judge, seed: int
) -> Interval:
    mine, other = (_means(records, each, judge) for each in (place, control))
    return bootstrap([a - b for a, b in zip(mine, other, strict=True)], seed=seed)


def _mme(
    records: Sequence[Record], place: int, seed: int
) -> tuple[dict[str, Interval | None], int]:
    """The scores by name, and how many answers are neither yes nor no."""
    answers = [
        _yes_no(record, asked, text)
        for record in records
        for asked, text in zip(
            record["questions"], record["contexts"][place]["answers"], strict=True
        )
    ]
    scores = {each.metric: each.interval for each in Mme().scores(answers, seed=seed)}
    return scores, sum(each["answer"] == "other" for each in answers)


def _yes_no(record: Record, asked: dict[str, Any], text: str) -> dict[str, Any]:
    answered: dict[str, Any] = Mme().record(
        asked["id"], record["id"], asked["category"], text, truth=asked["truth"]
    )
    return answered


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
