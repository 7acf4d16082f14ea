"""Every setting of GEM that is compared, and the methods beside it: ways through one tower."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vlmscope.methods.catalogue import get_method
from vlmscope.methods.encoder import DenseMethod
from vlmscope.options import change_options

__all__ = ["BASELINES", "CONSTANTS", "DEPTH", "GEM", "ITERATIONS", "Way", "ways_of"]

GEM = "gem"
"""Id of the published setting, which all others are held against."""

DEPTH = 6
"""Blocks with a GEM path in the published setting."""

ITERATIONS = (0, 1, 2, 3, 4, 5)
CONSTANTS = (0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0)
BASELINES = ("clip", "maskclip", "clip-surgery")

_PLAIN: dict[str, Any] = {"keep_ratio": False, "templates": "photo"}


@dataclass(frozen=True, eq=False)
class Way:
    """A method under options.

    Attributes:
        id: unique: ``gem``, ``q``, ``temperature-10``, ``iterations-3``, ``depth-1`` ...
        group: what it varies.
        title: a few words.
        method: the method.
        options: its options.
        place: on the axis of its group, where that is a number; else None.
    """

    id: str
    group: str
    title: str
    method: DenseMethod = field(repr=False)
    options: Any = field(repr=False)
    place: float | None = None

    def blocks(self, tower: int) -> int:
        """How many dense blocks it runs beside a tower of so many."""
        return self.method.path(self.options, tower).depth


def ways_of(tower: int, side: int) -> tuple[Way, ...]:
    """All ways, the published one first.

    Args:
        tower: how many blocks the tower has.
        side: of the squashed image in pixels; 0: the tower's own.
    """
    return (
        _gem(side, GEM, "published", "GEM as published"),
        *(_gem(side, p, "projections", f"{p}-{p} alone", projections=p) for p in "qkv"),
        *(
            _gem(
                side,
                f"temperature-{value:g}",
                "temperature",
                f"temperature {value:g}",
                value,
                temperature="constant",
                constant=value,
            )
            for value in CONSTANTS
        ),
        *(
            _gem(side, f"iterations-{n}", "iterations", _times(n), n, iterations=n)
            for n in ITERATIONS
            if n != 1
        ),
        *(
            _gem(side, f"depth-{n}", "depth", _blocks(n), n, depth=n)
            for n in range(1, tower + 1)
            if n != min(DEPTH, tower)
        ),
        *_ablations(side),
        *(_baseline(name, side) for name in BASELINES),
    )


def _ablations(side: int) -> tuple[Way, ...]:
    without = {"normalise": False}
    return (
        _gem(
            side,
            "no-norm",
            "ablations",
            "without L2, ordinary scaling",
            temperature="scaled",
            **without,
        ),
        _gem(side, "no-norm-adaptive", "ablations", "without L2, adaptive", **without),
        _gem(side, "mlp", "ablations", "with the MLP", feed_forward=True),
    )


def _gem(
    side: int, id: str, group: str, title: str, place: float | None = None, **changes: Any
) -> Way:
    method = get_method("gem")
    assert isinstance(method, DenseMethod)  # it is one of theirs
    options = change_options(method.options(), {**_PLAIN, "side": side, "depth": DEPTH, **changes})
    return Way(id, group, title, method, options, place)


def _baseline(name: str, side: int) -> Way:
    method = get_method(name)
    assert isinstance(method, DenseMethod)  # it is one of theirs
    options = change_options(method.options(), {**_PLAIN, "side": side})
    return Way(name, "baselines", name, method, options)


def _blocks(count: int) -> str:
    return "last block alone" if count == 1 else f"last {count} blocks"


def _times(count: int) -> str:
    return "1 iteration" if count == 1 else f"{count} iterations"
