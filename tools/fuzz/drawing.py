"""One value of a hypothesis strategy, the same for the same seed whatever else the process has done."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import (
    AVAILABLE_PROVIDERS,
    GLOBAL_CONSTANTS,
    HypothesisProvider,
)

__all__ = ["drawn"]

Value = TypeVar("Value")

_BACKEND = "vlmscope-fuzz"


class _Repeatable(HypothesisProvider):
    """Hypothesis mixes in constants of the code that is loaded: after a fix, another input would come."""

    @cached_property
    def _local_constants(self) -> object:
        return type(GLOBAL_CONSTANTS)()


AVAILABLE_PROVIDERS[_BACKEND] = _Repeatable


def drawn(strategy: st.SearchStrategy[Value], *words: object) -> Value:
    """A value of a strategy; ``words`` are the seed.

    The first example of a run is the simplest that there is, so the second is taken; a strategy with
    one value has no second.
    """
    values: list[Value] = []

    @seed(int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:8], "big"))
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        backend=_BACKEND,
    )
    @given(strategy)
    def keep(value: Value) -> None:
        values.append(value)

    keep()
    return values[-1]
