"""Whether methods fail on the same sentences."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from vlmscope.errors import BadSampleError
from vlmscope.evaluation.rows import Rows
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.score import Score

__all__ = ["Failures", "Pair", "drawn_order", "failures"]

_HIT = 0.5
_LISTED = 20


@dataclass(frozen=True)
class Pair:
    """Two runs on the same sentences.

    Attributes:
        labels: of both.
        both: share of sentences that both get wrong.
        first, second: share that the first, the second alone gets wrong.
        expected: what ``both`` would be if one's failures said nothing of the other's: the product of
            their shares; None: there was no sentence.
    """

    labels: tuple[str, str]
    both: Score
    first: Score
    second: Score
    expected: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        shares = {"both": self.both, "only_first": self.first, "only_second": self.second}
        record = {name: score.to_dict() for name, score in shares.items()}
        return {"runs": list(self.labels), **record, "expected_if_independent": self.expected}


@dataclass(frozen=True)
class Failures:
    """Which sentences runs get wrong together.

    Attributes:
        pairs: every two runs.
        missed: share of sentences that no run gets right; ``detail["count"]`` is how many.
        examples: up to twenty of these, ``{"id", "image", "text"}``, drawn whatever else they are.
        rule: what is wrong, word for word for the report.
    """

    pairs: tuple[Pair, ...]
    missed: Score
    examples: tuple[Mapping[str, Any], ...] = field(repr=False)
    rule: str = (
        "wrong: the IoU of the boxes is below 0.5, or there is no box; sentences that mean nothing are "
        "left out"
    )

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "rule": self.rule,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "missed_by_all": {**self.missed.to_dict(), "examples": list(map(dict, self.examples))},
        }


def failures(labels: Sequence[str], runs: Sequence[Rows], *, seed: int = 0) -> Failures:
    """How the failures of runs overlap.

    Args:
        labels: of the runs.
        runs: their rows, of the same sentences in the same order; read once, side by side.
        seed: of the bootstraps over images, and of the draw of examples.

    Raises:
        BadSampleError: runs on different sentences.
    """
    missed = _Missed(seed)
    sums = ImageSums.of(_wrong(runs, missed), lambda record: _measured(record["wrong"]))
    [everyone] = sums.scores(["all"], seed=seed)
    shares = {name: _share(sums, name) for name in range(len(labels))}
    pairs = []
    for one, two in combinations(range(len(labels)), 2):
        names = [f"{one} and {two}", f"{one} not {two}", f"{two} not {one}"]
        both, first, second = sums.scores(names, seed=seed)
        product = None if both.interval is None else shares[one] * shares[two]
        pairs.append(
            Pair(
                (labels[one], labels[two]),
                replace(both, metric="both wrong"),
                replace(first, metric=f"only {labels[one]} wrong"),
                replace(second, metric=f"only {labels[two]} wrong"),
                product,
            )
        )
    everyone = replace(everyone, metric="missed by all", detail={"count": missed.count})
    return Failures(tuple(pairs), everyone, missed.drawn())


def drawn_order(seed: int, sample: str | int) -> str:
    """A key that puts sentences into an order that depends on seed and id alone."""
    return hashlib.sha256(f"{seed} {sample}".encode("utf-8", "surrogatepass")).hexdigest()


class _Missed:
    """How many sentences every run misses, and a few of them: the same, however they come."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._kept: list[tuple[int, int, dict[str, Any]]] = []
        self.count = 0

    def add(self, row: Mapping[str, Any]) -> None:
        order = -int(drawn_order(self._seed, row["id"]), 16)  # a heap drops its smallest
        self.count += 1
        entry = order, self.count, {key: row[key] for key in ("id", "image", "text")}
        if len(self._kept) < _LISTED:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def drawn(self) -> tuple[dict[str, Any], ...]:
        return tuple(row for *_, row in sorted(self._kept, reverse=True))


def _wrong(runs: Sequence[Rows], missed: _Missed) -> Iterator[dict[str, Any]]:
    for rows in _side_by_side(runs):
        first = rows[0]
        if first["absent"]:
            continue
        wrong = [row["iou"] < _HIT for row in rows]
        if all(wrong):
            missed.add(first)
        yield {"id": first["id"], "image": first["image"], "wrong": wrong}


def _side_by_side(runs: Sequence[Rows]) -> Iterator[tuple[Mapping[str, Any], ...]]:
    try:
        for rows in zip(*runs, strict=True):
            if len({(row["image"], row["id"]) for row in rows}) > 1:
                raise ValueError(f"{rows[0]['id']!r} stands beside {rows[-1]['id']!r}")
            yield rows
    except ValueError as error:
        raise BadSampleError(
            f"Failures are compared on the same sentences in the same order; these rows differ: {error}."
        ) from error


def _measured(wrong: Sequence[bool]) -> dict[str, float]:
    numbers = {SENTENCES: 1.0, "all": float(all(wrong))}
    numbers |= {str(index): float(each) for index, each in enumerate(wrong)}
    for one, two in combinations(range(len(wrong)), 2):
        numbers[f"{one} and {two}"] = float(wrong[one] and wrong[two])
        numbers[f"{one} not {two}"] = float(wrong[one] and not wrong[two])
        numbers[f"{two} not {one}"] = float(wrong[two] and not wrong[one])
    return numbers


def _share(sums: ImageSums, index: int) -> float:
    count = float(sums[SENTENCES].sum())
    return float(sums[str(index)].sum()) / count if count else 0.0
