"""A job that is no longer wanted is stopped at the next layer that the decoder would run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["Interrupt", "InterruptedJobError", "interruptible"]


class InterruptedJobError(Exception):
    """Raised between two layers of a pass whose result nobody waits for."""


class Interrupt:
    """Set in one thread, seen in another."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """From now on :meth:`check` raises."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the job is no longer wanted."""
        return self._event.is_set()

    def check(self, *_: Any) -> None:
        """Called between two steps.

        Raises:
            InterruptedJobError: the job is no longer wanted.
        """
        if self._event.is_set():
            raise InterruptedJobError


@contextlib.contextmanager
def interruptible(model: LoadedModel | DualEncoder, interrupt: Interrupt) -> Iterator[None]:
    """Passes inside the block end between two layers once the interrupt is set.

    A pass that is stopped leaves nothing behind: stopping early after a layer ends passes in the same
    way. An encoder's pass is short and runs to its end.
    """
    if not isinstance(model, LoadedModel):
        yield
        return
    with contextlib.ExitStack() as hooks:
        for layer in model.layers:
            hook = layer.register_forward_pre_hook(interrupt.check)
            hooks.callback(hook.remove)
        yield
