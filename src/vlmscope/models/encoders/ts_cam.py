"""TS-CAM: a ViT or DeiT whose head is a convolution over its patches, a map for each class.

Gao et al., "TS-CAM: Token Semantic Coupled Attention Map for Weakly Supervised Object Localization", ICCV
2021 (arXiv 2103.14862). It is trained as a classifier: the mean of a class's map is its logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.encoders.patches import PatchGrid
from vlmscope.models.encoders.vit import VitFamily

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TsCamFamily"]


class TsCamFamily(VitFamily):
    """``ViTForImageClassification`` whose classifier is a 3x3 convolution; loaded from a file alone."""

    id = "ts-cam"
    model_types = ()  # no config.json names it
    checkpoints = ()
    joint_space = False
    notes = (
        "trained head: a 3x3 convolution over the patches; phrases are looked up among its labels",
    )

    def semantic_maps(self, hf: PreTrainedModel, tokens: Tensor, grid: PatchGrid) -> Tensor:
        """What the head makes of the patches.

        Args:
            hf: the model.
            tokens: (batch, 1 + patches, dim), the last block's output.
            grid: (rows, columns) of patches.

        Returns:
            (batch, classes, rows, columns): logits before their mean is taken.
        """
        normed = hf.vit.layernorm(tokens)[:, 1:]
        maps: Tensor = hf.classifier(normed.transpose(1, 2).unflatten(2, grid))
        return maps

    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        raise UnsupportedError(
            "A TS-CAM has maps of its classes and no vectors that stand for texts. Use the method ts-cam."
        )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        head = getattr(hf, "classifier", None)
        if not isinstance(head, nn.Conv2d) or head.kernel_size != (3, 3):
            raise ModelMismatchError(
                f"{type(hf).__name__} has no 3x3 convolution over its patches as a head."
            )
