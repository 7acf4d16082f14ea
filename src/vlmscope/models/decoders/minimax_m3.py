"""MiniMax M3: a tower for any resolution in front of a decoder that reads blocks of keys.

In its sparse layers an indexer scores the keys of every query and keeps the blocks with the highest, for
each group of heads its own, and the latest: rows are zero elsewhere. Blocks are counted from the first
position of the sequence, padding included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.any_resolution import AnyResolutionFamily
from vlmscope.models.prompts.prompt import PromptRequest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["MiniMaxM3Family"]

_SPARSE = "minimax_m3_sparse"


class MiniMaxM3Family(AnyResolutionFamily):
    """``MiniMaxM3SparseForConditionalGeneration`` of transformers."""

    id = "minimax-m3"
    model_types = ("minimax_m3_vl",)
    checkpoints = (Checkpoint("MiniMaxAI/MiniMax-M3", "unknown", "unknown", "experts"),)
    processor_class = "MiniMaxM3VLProcessor"
    image_processors = ("MiniMaxM3VLImageProcessor",)
    torchvision = True
    limits = (
        "in its sparse layers an indexer picks the blocks of keys that each group of heads may read: rows "
        "are zero elsewhere. A knock-out takes edges away from what was picked; the indexer sees the image "
        "all the same, so in sequences longer than it picks the image still decides which text is read",
        "prompts on one image are not packed, image tokens cannot leave the sequence or the cache, and "
        "knock-out sweeps run whole passes, for blocks are counted by position",
        "batches longer than a block of keys are padded on the right alone",
        "pictures only: videos are left out",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        if not getattr(processor.image_processor, "do_resize", True):
            raise ModelMismatchError(
                "The image processor has do_resize=False, so it does not stretch images to whole tokens. "
                "Set it to True."
            )
        super().check(hf, processor)

    def layers_stand_alone(self, hf: PreTrainedModel) -> bool:
        """The indexer's blocks are those of the whole sequence."""
        return not self._picks(hf)

    def room_behind(self, hf: PreTrainedModel, length: int) -> int | None:
        """None to speak of: a packed prompt would stand in other blocks than alone."""
        return 0 if self._picks(hf) else super().room_behind(hf, length)

    def lasting_cache(self, hf: PreTrainedModel) -> Any:
        """Its sparse layers hold the indexer's keys as well."""
        return self.cache(hf)

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Nothing beyond.

        Raises:
            UnsupportedError: a batch padded on the left, in which blocks begin elsewhere than in each
                prompt alone.
        """
        mask = batch["attention_mask"]
        block = int(self.decoder(hf).config.index_block_size)
        if self._picks(hf) and mask.shape[1] > block and not bool(mask[:, 0].all()):
            raise UnsupportedError(
                f"This batch of {mask.shape[1]} positions is padded on the left, and the model picks blocks "
                f"of {block} positions, padding counted: it would read other keys than for each prompt "
                "alone. Pad on the right (padding_side='right')."
            )
        return {}

    def _picks(self, hf: PreTrainedModel) -> bool:
        return _SPARSE in self.decoder(hf).config.layer_types
