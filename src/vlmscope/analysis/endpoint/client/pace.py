"""When the next request may begin: so many a minute, and none while the endpoint asks for a pause."""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable

__all__ = ["LONGEST_PAUSE", "Pace", "pause_before", "told_to_wait"]

LONGEST_PAUSE = 600.0
"""Seconds; an endpoint that asks for more is not waited for."""

_FIRST, _MOST = 0.5, 30.0  # seconds of the pauses that double


class Pace:
    """Hands out beginnings to several threads.

    Args:
        per_minute: beginnings within a minute at most; None: no bound.
        clock, sleep: of the seconds.
    """

    def __init__(
        self,
        per_minute: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._apart = 0.0 if per_minute is None else 60.0 / per_minute
        self._clock, self._sleep = clock, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Until it is this thread's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._apart
        if turn > now:
            self._sleep(turn - now)

    def pause(self, seconds: float) -> None:
        """No thread begins before this time has gone by."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


def pause_before(attempt: int, random: Callable[[], float] = random.random) -> float:
    """Seconds before an attempt, 1 the first that repeats: twice as long each time, less a random part.

    The random part keeps threads that failed together from coming back together.
    """
    longest = min(_MOST, _FIRST * 2.0 ** min(attempt - 1, 30))
    return longest * (0.5 + 0.5 * random())


def told_to_wait(header: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, a number or a date; None: it says neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
