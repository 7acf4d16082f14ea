"""Hybrids: decoders in which few layers have attention rows, and the others carry a state along.

A layer of linear attention, a state-space layer or a convolution folds what it reads into a state of fixed
size. It has no softmax over keys, so there is no row to read and no edge to block in it, and what the state
holds of the image reaches the text past every knock-out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.models.decoders.family import Family

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["HybridFamily", "hybrid_limits"]


class HybridFamily(Family):
    """A family whose decoder has attention rows in some layers only; numbers stay those of the model."""

    recurrent = True

    def row_layers(self, hf: PreTrainedModel) -> tuple[int, ...]:
        """Layers that hold ``self_attn``: the others hold a module of another name."""
        return tuple(
            number for number, layer in enumerate(self.layers(hf)) if hasattr(layer, "self_attn")
        )


def hybrid_limits(others: str) -> tuple[str, ...]:
    """What every hybrid has to say of itself.

    Args:
        others: what its layers without rows are, in the plural.
    """
    return (
        f"attention rows, heads and knock-outs exist in its full-attention layers only; the others are "
        f"{others}, which have none. Layers keep the model's own numbers",
        f"a knock-out blocks edges in full-attention layers: what {others} carry of the image still "
        "reaches the text, so an effect of none is no proof that the image was not needed",
        "prompts on one image start from copies of its cache and are not packed; sweeps of knock-outs run "
        "whole passes; compressed context and lighter passes are refused",
    )
