"""Whoever waits for a reproduction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vlmscope.reproduce.costs import Cost

__all__ = ["Listener"]


@dataclass(frozen=True)
class Listener:
    """Whoever waits for a reproduction.

    Attributes:
        costs: takes a title, and title and cost of each step, before any is begun.
        say: takes sentences.
        progress: show bars.
    """

    costs: Callable[[str, list[tuple[str, Cost]]], None] = lambda title, costs: None
    say: Callable[[str], None] = lambda text: None
    progress: bool = False
