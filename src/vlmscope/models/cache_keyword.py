"""The keyword under which a forward pass takes its key-value cache.

transformers 5.24 renamed ``past_key_values`` to ``cache``, and models of older releases, or with code of
their own, keep the old name. Nothing else here knows either.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ["KEYWORDS", "cache_given", "cache_keyword", "with_cache"]

_NEW, _OLD = "cache", "past_key_values"
KEYWORDS = (_NEW, _OLD)


def with_cache(module: nn.Module, cache: Any) -> dict[str, Any]:
    """The keyword arguments that give ``cache`` to the forward pass of ``module``."""
    return {cache_keyword(type(module)): cache}


def cache_given(inputs: Mapping[str, Any]) -> Any:
    """The cache among the keyword arguments of a forward pass; None: it has none."""
    new = inputs.get(_NEW)
    return inputs.get(_OLD) if new is None else new


def cache_keyword(kind: type[Any]) -> str:
    """What the forward pass of a class calls its cache, by its signature.

    Classes that hand all keywords on name neither: they get the word of the installed transformers.
    """
    names = inspect.signature(kind.forward).parameters
    for name in KEYWORDS:
        if name in names:
            return name
    from transformers.modeling_outputs import BaseModelOutputWithPast

    return _NEW if _NEW in BaseModelOutputWithPast.__dataclass_fields__ else _OLD
