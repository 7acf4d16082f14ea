"""Comparators whose answers are set by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmscope.errors import BadPhraseError
from vlmscope.evaluation.comparators import Found

__all__ = ["Planted", "boxes"]


def boxes(*rows: tuple[float, float, float, float], scores: Any = None, **more: Any) -> Found:
    """What is found: boxes, best first, with scores that fall unless they are given."""
    falling = np.linspace(0.9, 0.1, len(rows)) if scores is None else scores
    values = None if scores is False else np.array(falling, dtype=np.float32)
    return Found(np.array(rows, dtype=np.float32).reshape(-1, 4), values, "asked", **more)


@dataclass
class Planted:
    """Finds what it is told to, by the phrase; a text is a phrase that it refuses, and why."""

    answer: Callable[[str], Found | str]
    id: str = "planted"
    name: str = "owner/planted"
    revision: str | None = "one"
    draws: bool = False
    scored: bool = True
    dtype: str = "float32"
    limits: str = ""
    calls: int = 0

    def find(self, image: Any, phrase: str) -> Found:
        self.calls += 1
        found = self.answer(phrase)
        if isinstance(found, str):
            raise BadPhraseError(found)
        return found
