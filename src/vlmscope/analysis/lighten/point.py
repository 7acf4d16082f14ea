"""One way of leaving image tokens out, over some questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.stats import Interval, bootstrap

__all__ = ["LightenPoint", "point_of", "probability_lost"]


@dataclass(frozen=True)
class LightenPoint:
    """One layer, share and way of choosing, or one window of layers, over some questions.

    Attributes:
        layer: the last that holds all image tokens; -1 where text reads none of them.
        keep: share of them that later layers hold.
        by: which stay; ``read``: text reads the image in a window of layers; ``never``: it reads
            nothing of it.
        kept: share of answers whose every token is still the likeliest.
        lost: log-probability of the answer that is lost, in nats.
        drop: probability per token that is lost, 1 - (p light / p clean)^(1/tokens).
        flops, cache, seconds: of the clean pass's, computed, computed and measured.
        first: of a window, the first layer in which text reads the image; else None.
        saved: how much less of the probability is lost than by the control, question by question:
            random tokens of the same layer and share, or the mean of windows of as many layers
            elsewhere; None for the control itself, and where there is none.
        object_kept: share of the object asked about, by area, whose tokens stay, over the questions
            that bring its mask; None: none does, or all tokens leave at once.
    """

    layer: int
    keep: float
    by: str
    kept: Interval
    lost: Interval
    drop: Interval
    flops: float
    cache: float
    seconds: float
    first: int | None = None
    saved: Interval | None = None
    object_kept: Interval | None = None

    @property
    def window(self) -> tuple[int, int] | None:
        """First and last layer in which text reads the image, of a window."""
        return None if self.first is None else (self.first, self.layer)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; what has no window and no control says nothing of them."""
        plain = {"layer": self.layer, "keep": self.keep, "by": self.by}
        window = {} if self.first is None else {"first": self.first}
        spans = {name: list(getattr(self, name)) for name in ("kept", "lost", "drop")}
        costs = {name: getattr(self, name) for name in ("flops", "cache", "seconds")}
        perhaps = {name: getattr(self, name) for name in ("saved", "object_kept")}
        known = {name: list(span) for name, span in perhaps.items() if span is not None}
        return {**plain, **window, **spans, **costs, **known}


def point_of(
    records: Sequence[dict[str, Any]],
    settings: Sequence[dict[str, Any]],
    control: NDArray[np.float64] | None,
) -> LightenPoint:
    """One setting over some questions.

    Args:
        records: of the questions.
        settings: what each of them says of the setting.
        control: float (questions,): probability per token that the control loses; None: there is none.
    """
    first, drops = settings[0], probability_lost(records, settings)
    covered = [each["object_kept"] for each in settings if "object_kept" in each]
    return LightenPoint(
        first["layer"],
        first["keep"],
        first["by"],
        bootstrap([float(each["kept"]) for each in settings]),
        bootstrap([each["log_prob_lost"] for each in settings]),
        bootstrap(drops),
        float(np.mean([each["flops"] for each in settings])),
        float(np.mean([each["cache"] for each in settings])),
        sum(each["seconds"] for each in settings) / sum(each["seconds"] for each in records),
        first.get("first"),
        None if control is None else bootstrap(control - drops),
        bootstrap(covered) if covered else None,
    )


def probability_lost(
    records: Sequence[dict[str, Any]], settings: Sequence[dict[str, Any]]
) -> NDArray[np.float64]:
    """Float (questions,): 1 - (p light / p clean)^(1/tokens)."""
    lost = np.array([each["log_prob_lost"] for each in settings])
    tokens = np.array([record["tokens"] for record in records])
    drops: NDArray[np.float64] = -np.expm1(-lost / tokens)
    return drops
