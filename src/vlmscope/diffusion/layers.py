"""The cross-attention layers of a U-Net, where words meet places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from vlmscope.errors import UnsupportedError

__all__ = ["CrossLayer", "check_pipeline", "cross_layers"]

_MIDDLE = "mid_block"


@dataclass(frozen=True)
class CrossLayer:
    """One cross-attention.

    Attributes:
        name: its path in the U-Net.
        attention: has ``to_q``, ``to_k`` and ``heads``.
        owner: the module around it that receives the feature map (batch, channels, height, width).
    """

    name: str
    attention: nn.Module
    owner: nn.Module


def check_pipeline(pipeline: Any) -> nn.Module:
    """The U-Net of a pipeline of diffusers.

    Raises:
        UnsupportedError: no pipeline, one without a U-Net or without a tokenizer.
    """
    kind = type(pipeline).__name__
    unet = getattr(pipeline, "unet", None)
    if not isinstance(unet, nn.Module):
        instead = (
            "its pictures come from a transformer, in whose joint attention words and places are "
            "mixed in every layer"
            if isinstance(getattr(pipeline, "transformer", None), nn.Module)
            else "it has no part `unet`"
        )
        raise UnsupportedError(
            f"Word maps are read from the cross-attention of a U-Net, and {kind} has none: {instead}. "
            "Give a text-to-image pipeline with a U-Net, such as Stable Diffusion 1, 2 or XL."
        )
    if getattr(pipeline, "tokenizer", None) is None:
        raise UnsupportedError(
            f"{kind} has no tokenizer, so its words have no places in the prompt. Give a text-to-image "
            "pipeline, such as Stable Diffusion 1, 2 or XL."
        )
    return unet


def cross_layers(unet: nn.Module, middle: bool) -> tuple[CrossLayer, ...]:
    """Where the U-Net reads the prompt, in the order of its passes.

    Args:
        unet: of a pipeline.
        middle: the middle block too, which the paper leaves out: its maps are the coarsest.

    Raises:
        UnsupportedError: no cross-attention of the form that is read.
    """
    parts = dict(unet.named_modules())
    found = [
        CrossLayer(name, part, parts[name.partition(".transformer_blocks.")[0]])
        for name, part in parts.items()
        if name.endswith(".attn2")
        and ".transformer_blocks." in name
        and isinstance(getattr(part, "to_q", None), nn.Module)
        and isinstance(getattr(part, "to_k", None), nn.Module)
    ]
    kept = [each for each in found if middle or not each.name.startswith(_MIDDLE)]
    if not kept:
        where = "only in its middle block" if found else "nowhere"
        raise UnsupportedError(
            f"{type(unet).__name__} reads the prompt by cross-attention {where}, so it has no maps of "
            "words. "
            + (
                "Give middle=True."
                if found
                else "Give a U-Net with transformer blocks, such as Stable Diffusion 1, 2 or XL."
            )
        )
    return tuple(sorted(kept, key=lambda each: _place(each.name)))


def _place(name: str) -> tuple[int, ...]:
    """Order of a pass: down, middle, up; then by the numbers of blocks."""
    stage = ("down_blocks", "mid_block", "up_blocks")
    first = next((index for index, word in enumerate(stage) if name.startswith(word)), len(stage))
    return first, *(int(part) for part in name.split(".") if part.isdigit())
