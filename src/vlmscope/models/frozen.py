"""Models are looked into, never trained, and by one thread at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch
from torch import nn

__all__ = ["exclusive", "frozen"]

# beside the models and not in them: a model with a lock inside could not be copied or pickled
_LOCKS: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_MAKING = threading.Lock()


@contextlib.contextmanager
def exclusive(model: nn.Module) -> Iterator[None]:
    """Blocks of one model wait for each other across threads; within a thread they may be nested."""
    with _MAKING:
        lock = _LOCKS.setdefault(model, threading.RLock())
    with lock:
        yield


@contextlib.contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """No gradients and no dropout inside; the training flags are put back after.

    Passes leave things on a model for a while (training flags, positions of the last image), so
    those of several threads wait for each other.
    """
    with exclusive(model):
        training = [module for module in model.modules() if module.training]
        try:
            if training:
                model.eval()
            with torch.no_grad():
                yield
        finally:
            for module in training:
                module.training = True
