"""One decoder layer alone: those below it let everything through, it gets what it is given.

The family's own code still makes positions and masks, so nothing of a family is written twice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from vlmscope.models import LoadedModel

__all__ = ["only_layer", "replaced_forward"]


@contextlib.contextmanager
def only_layer(model: LoadedModel, layer: int, hidden: Tensor) -> Iterator[None]:
    """Passes of this thread inside the block compute nothing below a layer, whose input is given.

    Args:
        model: the model.
        layer: the one that runs.
        hidden: float (1, positions, width), its input.
    """
    with contextlib.ExitStack() as stack:
        for below in list(model.layers)[:layer]:
            stack.enter_context(replaced_forward(below, _through(model)))
        reads = model.layers[layer]
        stack.enter_context(replaced_forward(reads, _given(reads.forward, hidden)))
        yield


@contextlib.contextmanager
def replaced_forward(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """What a module computes for this thread inside the block; other threads are left alone."""
    thread, usual, before = threading.get_ident(), module.forward, module.__dict__.get("forward")

    def chosen(*args: Any, **kwargs: Any) -> Any:
        mine = threading.get_ident() == thread
        return forward(*args, **kwargs) if mine else usual(*args, **kwargs)

    module.__dict__["forward"] = chosen
    try:
        yield
    finally:
        if before is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = before


def _through(model: LoadedModel) -> Callable[..., Any]:
    def run(hidden_states: Tensor, *_: Any, **__: Any) -> Any:
        return model.family.layer_output(hidden_states)

    return run


def _given(forward: Callable[..., Any], hidden: Tensor) -> Callable[..., Any]:
    def run(hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        return forward(hidden.to(hidden_states.device), *args, **kwargs)

    return run
