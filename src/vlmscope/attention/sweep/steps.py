"""Deciding, layer by layer, what a decoder layer is given, or that it is not run at all.

Layers keep their places in the decoder, which looks up masks and the like by number; their own
``forward`` is put back at the end, also one that another library had set on the instance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from vlmscope.models import LoadedModel

__all__ = ["Step", "stepping"]

Step = Callable[[int, Tensor], Tensor | None]
"""Takes a layer's number and its input (batch, rows, hidden); returns the input it is to have, perhaps
of another batch size, or None to skip the layer: its input is then handed on as it is."""


@contextlib.contextmanager
def stepping(model: LoadedModel, step: Step) -> Iterator[None]:
    """Passes inside the block ask ``step`` before each decoder layer."""
    layers = list(model.layers)
    before = [layer.__dict__.get("forward") for layer in layers]
    try:
        for number, layer in enumerate(layers):
            layer.__dict__["forward"] = _stepped(layer.forward, number, step)
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            if own is None:
                layer.__dict__.pop("forward", None)
            else:
                layer.__dict__["forward"] = own


def _stepped(forward: Callable[..., Any], number: int, step: Step) -> Callable[..., Any]:
    def stepped(*args: Any, **kwargs: Any) -> Any:
        hidden = args[0] if args else kwargs["hidden_states"]
        given = step(number, hidden)
        if given is None:
            return hidden
        if args:
            return forward(given, *args[1:], **kwargs)
        return forward(**{**kwargs, "hidden_states": given})

    return stepped
