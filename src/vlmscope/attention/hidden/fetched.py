"""One layer of a model without weights: what it turns out to need is read as it is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from vlmscope.attention.hidden.one_layer import replaced_forward
from vlmscope.models import Outline

__all__ = ["fetched_layer"]

_VALUES = "v_proj"


@contextlib.contextmanager
def fetched_layer(model: Outline, layer: int) -> Iterator[None]:
    """A pass inside the block may run this layer down to its attention.

    Parts are read when they are called, so nothing has to be known of what a family calls them; what
    stands behind the attention is never called. Values are not looked at: they are zeros.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(model.one_layer())
        for name, part in model.layers[layer].named_modules():
            if name.rpartition(".")[2] == _VALUES and isinstance(part, nn.Linear):
                stack.enter_context(replaced_forward(part, _zeros(part)))
            elif next(part.parameters(recurse=False), None) is not None:
                fetching = _fetching(model, layer, name, part)
                stack.enter_context(replaced_forward(part, fetching))
        yield


def _zeros(part: nn.Linear) -> Callable[..., Any]:
    def run(hidden: Tensor) -> Tensor:
        return hidden.new_zeros(*hidden.shape[:-1], part.out_features)

    return run


def _fetching(model: Outline, layer: int, name: str, part: nn.Module) -> Callable[..., Any]:
    usual = part.forward

    def run(*args: Any, **kwargs: Any) -> Any:
        empty = dict(part._parameters)
        weights = model.fetch(layer, part, name)
        part._parameters.update(
            {key: nn.Parameter(value, requires_grad=False) for key, value in weights.items()}
        )
        try:
            return usual(*args, **kwargs)
        finally:
            part._parameters.update(empty)

    return run
