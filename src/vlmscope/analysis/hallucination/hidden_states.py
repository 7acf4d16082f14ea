"""Hidden states of chosen layers as the model runs, and what each would say (logit lens)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.selection import check_layers
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel

__all__ = ["hidden_states", "lens"]

_NORMS = ("norm", "final_layernorm", "final_layer_norm", "ln_f")


@contextlib.contextmanager
def hidden_states(model: LoadedModel, layers: Iterable[int]) -> Iterator[dict[int, Tensor]]:
    """Keep what leaves some layers, of the last pass inside the block.

    Args:
        model: the model.
        layers: of its decoder.

    Yields:
        Layer -> (batch, positions, hidden); filled by a pass.

    Raises:
        AttentionError: a layer that the decoder does not have.
    """
    kept: dict[int, Tensor] = {}
    with contextlib.ExitStack() as hooks:
        for layer in check_layers(layers, len(model.layers)):
            hook = model.layers[layer].register_forward_hook(_keeper(kept, layer))
            hooks.callback(hook.remove)
        yield kept


def lens(model: LoadedModel, hidden: Tensor) -> Tensor:
    """Log-probabilities that hidden states decode to, through the last norm and the output layer.

    Args:
        model: the model.
        hidden: (n, hidden), of any layer.

    Returns:
        Float32 (n, vocabulary), on the CPU.

    Raises:
        UnsupportedError: a decoder whose last norm is not known.
    """
    decoder: Any = model.decoder
    norm = next((getattr(decoder, name) for name in _NORMS if hasattr(decoder, name)), None)
    if norm is None:
        raise UnsupportedError(
            f"{model.id} has no last norm by a known name ({', '.join(_NORMS)}), so hidden states "
            "cannot be decoded. Leave the logit lens out."
        )
    with torch.inference_mode():
        logits = model.family.head(model.hf, norm(hidden))
    return logits.float().log_softmax(-1).cpu()


def _keeper(kept: dict[int, Tensor], layer: int) -> Any:
    def keep(module: Any, inputs: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        kept[layer] = states.detach()

    return keep
