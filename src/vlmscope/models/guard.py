"""What holds for every use of a model: it is one, it is not trained, one thread uses it at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from vlmscope.errors import BadOptionError

__all__ = ["check_model", "exclusive", "frozen"]


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


def check_model(model: Any) -> None:
    """Refuse what stands in place of a model.

    Raises:
        BadOptionError: a name, a model of transformers, or anything else; says how to get one.
    """
    if isinstance(model, str | os.PathLike):
        name = os.fspath(model)
        raise BadOptionError(
            f"A loaded model is needed, got the name {name!r}: load it once, "
            f"model = vs.load({name!r}), and give that."
        )
    if isinstance(model, nn.Module):
        raise BadOptionError(
            f"A loaded model is needed, got a {type(model).__name__} of its own: wrap it with its "
            "processor, vs.from_pretrained_model(model, processor)."
        )
    if not hasattr(model, "id"):
        raise BadOptionError(
            f"A loaded model is needed, got {type(model).__name__}: vs.load(...) gives one, for "
            "example vs.load('tiny-llava')."
        )
