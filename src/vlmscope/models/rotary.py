"""Rotary frequencies that change with the length of a sequence, and stay changed on the module.

transformers stretches them in place for prompts beyond the trained length ("dynamic") or chooses one
of two sets by it ("longrope"), so a pass would read what the last one left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

__all__ = ["moving_frequencies"]


def moving_frequencies(decoder: nn.Module) -> Iterator[tuple[nn.Module, dict[str, Any]]]:
    """Rotary modules whose frequencies move, each with what it begins with.

    Args:
        decoder: looked through.

    Yields:
        The module, and by attribute the value before any pass: the frequencies (a copy, for they are
        written in place as well), the longest sequence so far, the scaling of attention.
    """
    for module in decoder.modules():
        kinds = getattr(module, "rope_type", None)
        if kinds is None:
            continue
        # one kind, or one for each type of layer, whose attributes begin with its name
        by_type = kinds if isinstance(kinds, Mapping) else {"": kinds}
        values: dict[str, Any] = {}
        for name, kind in by_type.items():
            if kind == "longrope" or "dynamic" in str(kind):
                values |= _first_values(module, f"{name}_" if name else "")
        if values:
            yield module, values


def _first_values(module: Any, prefix: str) -> dict[str, Any]:
    frequencies = getattr(module, f"{prefix}original_inv_freq")
    return {
        f"{prefix}inv_freq": frequencies.clone(),
        f"{prefix}long_inv_freq": getattr(module, f"{prefix}long_inv_freq", None),
        f"{prefix}max_seq_len_cached": module.original_max_seq_len,
        "max_seq_len_cached": module.original_max_seq_len,
        "attention_scaling": getattr(module, "attention_scaling", 1.0),
    }
