"""The steps of a reproduction, done one after the other, none of them twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.pace import Pace

__all__ = ["Step", "take_steps"]


@dataclass(frozen=True, eq=False)
class Step:
    """One part of the work.

    Attributes:
        id: unique within the reproduction; a file name.
        title: a few words.
        cost: counted.
        work: what is done, given the results of the steps before it and the pace; returns JSON values.
    """

    id: str
    title: str
    cost: Cost
    work: Callable[[KeptResults, Pace], Any]


def take_steps(steps: Sequence[Step], kept: KeptResults, say: Callable[[str], None]) -> None:
    """Do every step whose result is not there yet.

    Args:
        steps: in order; a step may ask for the results of those before it.
        kept: where results are, and go.
        say: takes sentences for the person who waits.

    Raises:
        OutputError: a result that cannot be written.
    """
    left = [step for step in steps if step.id not in kept]
    if len(left) < len(steps):
        say(f"{len(steps) - len(left)} of {len(steps)} steps were done before")
    pace = Pace(Cost.total(step.cost for step in left).image_tokens, say)
    for step in left:
        kept.add(step.id, step.work(kept, pace))
