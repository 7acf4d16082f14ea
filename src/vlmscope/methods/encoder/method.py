"""What every dense method is: a formula for the tower, and the way from there to Groundings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.methods.base import GroundRequest, refuse_foreign
from vlmscope.methods.encoder.answer import answer
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.similarity import DenseAnswer
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.models.encoders.blocks import QKV
from vlmscope.results import Grounding

__all__ = ["DenseMethod"]


class DenseMethod(ABC):
    """A method that changes how patches attend in the last blocks.

    Attributes:
        id: explicit and unique.
        summary: one line.
        options: its options, a frozen dataclass derived from :class:`DenseOptions`.
        takes: none of the arguments that are about a decoder.
    """

    id: str
    summary: str
    options: type[Any] = DenseOptions
    takes: frozenset[str] = frozenset()

    @abstractmethod
    def path(self, options: Any, blocks: int) -> DensePath:
        """The shape of the dense path in a tower of so many blocks."""

    @abstractmethod
    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        """The dense attention: (batch, prefix + patches, dim), heads merged, before ``out``."""

    def accepts(self, model: LoadedModel | DualEncoder) -> bool:
        """Dense methods run on dual encoders."""
        return isinstance(model, DualEncoder)

    def refine(self, similarity: Tensor, options: Any) -> Tensor:
        """A last step on cosine similarities (batch, patches, phrases); none by default."""
        return similarity

    def cautions(self, encoder: DualEncoder, options: Any) -> tuple[str, ...]:
        """Sentences to read before trusting this method on this model; none by default."""
        return ()

    def ground(
        self,
        model: LoadedModel | DualEncoder,
        pixels: NDArray[np.uint8],
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> list[Grounding]:
        """Ground every phrase in one image: one pass through the tower for all of them."""
        assert isinstance(model, DualEncoder)  # `accepts` said so
        refuse_foreign(self, request)
        return answer(DenseAnswer(self, model, request.options), pixels, phrases)
