"""How a family reads the frames of a clip as a video, without a video processor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.models.layout.image_inputs import ImageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ClipReader"]


class ClipReader(ABC):
    """Frames as the tensors that a family's own video processor makes, by its image processor.

    transformers' video processors need torchvision, which vlmscope does without. Tokens of a clip
    stand for a rectangle of pixels of one frame or of several that follow each other.
    """

    def token_id(self, hf: PreTrainedModel) -> int:
        """The id that stands for a token of a video in ``input_ids``."""
        return int(hf.config.video_token_id)

    def token(self, hf: PreTrainedModel, processor: Any) -> str:
        """Its text."""
        return str(processor.tokenizer.convert_ids_to_tokens(self.token_id(hf)))

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        """What of a chat template's text is replaced by the tokens of the clip."""
        return self.token(hf, processor)

    def text(self, hf: PreTrainedModel, processor: Any) -> str:
        """The placeholder with the delimiters that a chat template would put around it."""
        return self.placeholder(hf, processor)

    @abstractmethod
    def clip_inputs(
        self,
        hf: PreTrainedModel,
        processor: Any,
        frames: Sequence[NDArray[np.uint8]],
        times: Sequence[float],
    ) -> ImageInputs:
        """Fit the frames of a clip.

        Args:
            hf, processor: the model.
            frames: uint8 (height, width, 3) each, all of one size, one at least.
            times: seconds, ascending, one for each.

        Returns:
            Inputs of kind ``video`` whose grids say which frames they show.
        """
