"""Which questions a model can be asked; the page shows what is there, and nothing is promised."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import vlmscope.attention
from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["features_of", "steering"]

Steer = Callable[..., contextlib.AbstractContextManager[Any]]


def steering() -> Steer | None:
    """The context ``steer(model, heads, towards=box, strength=...)``; None: not in this version."""
    found: Steer | None = getattr(vlmscope.attention, "steer", None)
    return found


def features_of(model: LoadedModel | DualEncoder) -> dict[str, bool]:
    """What can be asked beside phrases."""
    answers = isinstance(model, LoadedModel)
    in_sequence = isinstance(model, LoadedModel) and not model.family.crossed
    return {
        "answer": answers,
        "knockout": answers,
        "steer": in_sequence and steering() is not None,
        "lens": in_sequence,
        "faithfulness": answers,
    }
