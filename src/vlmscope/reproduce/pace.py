"""How long a reproduction will take, told by its first images."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace"]

_FIRST = 8  # images after which an estimate is given


class Pace:
    """Measures image tokens per second and says once how long the rest will take.

    Args:
        image_tokens: that are to pass through the decoder in all.
        say: takes the sentence.
        clock: seconds.
    """

    def __init__(
        self,
        image_tokens: int,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = image_tokens
        self._say, self._clock = say, clock
        self._begun: float | None = None
        self._images = self._tokens = 0

    def passed_over(self, image_tokens: int) -> None:
        """So many tokens need not be computed: an earlier run did it."""
        self._left -= image_tokens

    def computed(self, image_tokens: int) -> None:
        """One image went through; the first is not timed, for it waits for what starts up."""
        self._left -= image_tokens
        if self._begun is None:
            self._begun = self._clock()
            return
        self._images += 1
        self._tokens += image_tokens
        if self._images == _FIRST and self._tokens:
            seconds = (self._clock() - self._begun) / self._tokens * max(0, self._left)
            self._say(f"about {_shown(seconds)} left, by the first {_FIRST} images")


def _shown(seconds: float) -> str:
    """``40 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
