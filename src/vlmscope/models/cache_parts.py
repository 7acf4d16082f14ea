"""Caches to come back to: lent for a pass and put back, or parted by the items of their batch.

Layers of keys and values are cut back to a length. A layer that carries a state (linear attention, a
convolution) writes over it and cannot go back, so what is lent of such a cache is a copy.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch

__all__ = ["batch_of", "items_of", "lent", "picks_keys"]

# by transformers' names, one a family
_INDEXER_KEYS = ("indexer_keys", "idx_keys")


@contextlib.contextmanager
def lent(cache: Any, length: int, recurrent: bool) -> Iterator[Any]:
    """A cache that passes inside the block may add to; ``cache`` holds ``length`` positions after.

    Args:
        cache: of transformers.
        length: positions that it holds, and will hold again.
        recurrent: some of its layers carry a state: then it is a copy that is lent.
    """
    if recurrent:
        yield _copied(cache)
        return
    try:
        yield cache
    finally:
        for layer in cache.layers:  # one by one: a pass that was interrupted fills only some
            layer.crop(min(0, length - _held(layer)))


def _held(layer: Any) -> int:
    """Positions that a layer of a cache holds: none where it reads the keys of another one."""
    picking = getattr(layer, "indexer_keys", None)
    if picking is not None:  # an indexer has keys of its own, also beside keys of another layer
        return int(picking.shape[1])
    return 0 if getattr(layer, "keys", None) is None else int(layer.get_seq_length())


def items_of(cache: Any, items: slice | list[int]) -> Any:
    """Some items of a cache's batch: of a slice a view, which the first pass behind it copies."""
    own, index = _copied(cache), torch.arange(batch_of(cache))[items]
    for layer in own.layers:
        if not _is_plain(layer):
            layer.reorder_cache(index)
        elif layer.keys is not None:
            layer.keys, layer.values = layer.keys[items], layer.values[items]
    return own


def batch_of(cache: Any) -> int:
    """How many items a cache that was filled holds."""
    keys = (getattr(layer, "keys", None) for layer in cache.layers)
    return next(len(each) for each in keys if each is not None)


def picks_keys(cache: Any) -> bool:
    """Whether some layers of a cache hold the keys of an indexer beside their own, filled or not."""
    return any(hasattr(layer, name) for layer in cache.layers for name in _INDEXER_KEYS)


def _copied(cache: Any) -> Any:
    """A cache whose passes leave the first as it is; keys are shared, for they are never written over."""
    own = copy.copy(cache)
    own.layers = [
        copy.copy(layer) if _is_plain(layer) else copy.deepcopy(layer) for layer in cache.layers
    ]
    return own


def _is_plain(layer: Any) -> bool:
    """Keys and values alone, which each pass joins anew."""
    from transformers.cache_utils import DynamicLayer

    return type(layer) is DynamicLayer
