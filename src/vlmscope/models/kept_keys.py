"""Widths of a decoder's queries, keys and values, which may differ from layer to layer."""

from __future__ import annotations

from typing import Any

__all__ = ["counts_keys_from", "kept_numbers", "query_numbers"]


def counts_keys_from(config: Any) -> int | None:
    """Length of a sequence from which layers take the number of a key for its position.

    Where the second chunk begins, or queries begin to be scaled (Llama 4): from there on a cache that
    holds fewer keys than there were positions is read otherwise. None: at no length. Sliding windows are
    not meant.
    """
    scaled = config.floor_scale if getattr(config, "attn_temperature_tuning", False) else None
    lengths = (getattr(config, "attention_chunk_size", None), scaled)
    return min((int(each) for each in lengths if each is not None), default=None)


def kept_numbers(config: Any, layer: int) -> int:
    """Numbers that one layer keeps of one position, keys and values together.

    Args:
        config: of the decoder.
        layer: from 0; 0 numbers where it reads the keys of an earlier one.
    """
    modes = getattr(config, "kv_sharing_modes", None)
    if modes is not None and modes[layer] == "reuse":
        return 0
    own = _of_layer(config, layer)
    keys = getattr(own, "num_key_value_heads", None) or own.num_attention_heads
    return 2 * int(keys) * _width(own)


def query_numbers(config: Any, layer: int) -> int:
    """Numbers of one position's query in one layer, all heads together."""
    own = _of_layer(config, layer)
    return int(own.num_attention_heads) * _width(own)


def _of_layer(config: Any, layer: int) -> Any:
    """Where layers differ, transformers answers for one layer and not for all."""
    return config.per_layer_config[layer] if getattr(config, "is_heterogeneous", False) else config


def _width(config: Any) -> int:
    width = getattr(config, "head_dim", None)
    return int(width or config.hidden_size // config.num_attention_heads)
