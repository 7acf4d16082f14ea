"""The one place that talks to transformers' attention registry.

For each kernel of the model's own (``sdpa``, ``eager``) there is one instrumented twin, registered
under its own name TOGETHER with the kernel's mask function: without the latter transformers drops
masks silently, and left-padded batches come out wrong. The twin asks the module's probe what to do,
then calls the model's own kernel with the model's own arguments, so outputs stay bit-equal.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from vlmscope.errors import UnsupportedError

__all__ = ["PROBE", "instrumented_name"]

PROBE = "_vlmscope_probe"
"""Attribute of an attention module that holds its probe while a context is active."""

_KERNELS = ("sdpa", "eager")


def instrumented_name(kernel: str | None) -> str:
    """The registered name of the instrumented twin of a kernel.

    Raises:
        UnsupportedError: for a kernel whose masks are not known (flash, flex, paged).
    """
    name = kernel or "eager"
    if name not in _KERNELS:
        raise UnsupportedError(
            f"The model runs the attention kernel {name!r}; rows can be read and edges blocked under "
            f"{' and '.join(_KERNELS)}. Switch with model.set_attn_implementation('sdpa'), or load "
            "it through vlmscope.load."
        )
    twin = f"vlmscope_{name}"
    if twin not in ALL_ATTENTION_FUNCTIONS.valid_keys():
        AttentionInterface.register(twin, _TWINS[name])
        AttentionMaskInterface.register(twin, ALL_MASK_ATTENTION_FUNCTIONS[name])
    return twin


def _through_probe(
    kernel: Any,
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    kwargs: dict[str, Any],
) -> Any:
    _check_picks(kwargs.get("indices"), key)
    if kwargs.get("block_indices") is not None:
        attention_mask = _mask_of_blocks(module, query, key, attention_mask, kwargs)
    probe = module.__dict__.get(PROBE)
    if probe is None:
        return kernel(module, query, key, value, attention_mask, **kwargs)
    attention_mask, empty = probe(module, query, key, attention_mask, kwargs)
    output, weights = kernel(module, query, key, value, attention_mask, **kwargs)
    if empty is not None:  # output: (batch, queries, heads, dim)
        output = output.masked_fill(empty.transpose(1, 2)[..., None], 0.0)
    return output, weights


def _check_picks(indices: Tensor | None, key: Tensor) -> None:
    """Refuse attention that leaves keys out by a list of those that an indexer picked.

    The model makes a mask of its list for its own kernels alone. As long as every key fits into the list
    nothing is left out and there is no such mask.

    Args:
        indices: int (batch, queries, picked), or None in attention without an indexer.
        key: (batch, heads, keys, dim).

    Raises:
        UnsupportedError: more keys than are picked.
    """
    if indices is None or indices.shape[-1] >= key.shape[-2]:
        return
    raise UnsupportedError(
        f"An indexer of this model picks {indices.shape[-1]} of {key.shape[-2]} positions for each row, by "
        "content of its own. Rows are read and edges blocked as long as it can pick all of them: give a "
        f"smaller image or a shorter prompt, of at most {indices.shape[-1]} positions in all."
    )


def _mask_of_blocks(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    attention_mask: Tensor | None,
    kwargs: dict[str, Any],
) -> Tensor:
    """The mask of the blocks of keys that an indexer picked, which the model makes for its own kernels alone.

    Args:
        module: with the ``indexer``, whose own function makes it.
        query, key: (batch, heads, queries or keys, dim).
        attention_mask: of the layer, without the picks.
        kwargs: of the kernel: ``block_indices`` int (batch, groups, queries, picked), and ``position_ids``
            where the queries are not the last positions.

    Returns:
        Float (batch, heads, queries, keys): 0 where a row may read.
    """
    positions = kwargs.get("position_ids")
    if positions is None:
        positions = torch.arange(key.shape[2] - query.shape[2], key.shape[2], device=query.device)
    mask: Tensor = module.indexer.build_block_mask(  # type: ignore[operator, union-attr]
        kwargs["block_indices"],
        attention_mask,
        key.shape[2],
        query.dtype,
        query.device,
        positions.reshape(-1, query.shape[2]).expand(len(query), -1),
    )
    return mask


def _sdpa_twin(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> Any:
    kernel = ALL_ATTENTION_FUNCTIONS["sdpa"]
    return _through_probe(kernel, module, query, key, value, attention_mask, kwargs)


def _eager_twin(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> Any:
    # every modelling file of transformers has its own eager kernel (soft caps, sinks ...)
    kernel = sys.modules[type(module).__module__].eager_attention_forward  # type: ignore[attr-defined]
    return _through_probe(kernel, module, query, key, value, attention_mask, kwargs)


_TWINS = {"sdpa": _sdpa_twin, "eager": _eager_twin}
