"""What vlmscope must know of a model family, and the one place where families are registered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmscope.errors import UnsupportedError
from vlmscope.models.dual import DualFamily
from vlmscope.models.prompts import PRESETS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Family", "FamilyRegistry", "GridLayout", "ImageInputs"]


@dataclass(frozen=True, eq=False)
class GridLayout:
    """One grid of image tokens before it is placed in a sequence.

    Attributes:
        name: of the view.
        offsets: int (rows * columns,), row-major: index of each cell within the run of image tokens.
        y_edges: float (rows + 1,), original pixels.
        x_edges: float (columns + 1,), original pixels.
    """

    name: str
    offsets: NDArray[np.int64]
    y_edges: NDArray[np.float64]
    x_edges: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageInputs:
    """One image as the model takes it.

    Attributes:
        tensors: keyword arguments of the model's forward, first axis 1.
        tokens: how many image tokens it becomes in the sequence.
        layouts: its grids.
        placement: how it was fitted.
    """

    tensors: dict[str, Tensor]
    tokens: int
    layouts: tuple[GridLayout, ...]
    placement: str


class Family(ABC):
    """A model family: where things live in it and how it is fed.

    Attributes:
        id: explicit and unique.
        model_types: ``config.model_type`` values of transformers that it covers.
        auto_class: name of the class of transformers that loads it.
        presets: prompt presets that it can write; the first is the default for grounding.
        default_placement: how images are fitted unless the user says otherwise.
        causal_image: the image comes before the text and no text is seen by it, so one image
            prefix can be shared by many phrases.
        limits: sentences on what the family cannot do.
    """

    id: str
    model_types: tuple[str, ...]
    auto_class: str = "AutoModelForImageTextToText"
    presets: tuple[str, ...] = PRESETS
    default_placement: str = "pad"
    causal_image: bool = True
    limits: tuple[str, ...] = ()

    @abstractmethod
    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        """The text decoder: the module that owns the layers."""

    def layers(self, hf: PreTrainedModel) -> nn.ModuleList:
        """The decoder's layers, first to last."""
        layers: nn.ModuleList = self.decoder(hf).layers  # type: ignore[assignment]
        return layers

    def attention(self, layer: nn.Module) -> nn.Module:
        """The attention module of one decoder layer."""
        attention: nn.Module = layer.self_attn  # type: ignore[assignment]
        return attention

    @abstractmethod
    def image_token_id(self, hf: PreTrainedModel) -> int:
        """The id that stands for an image token in ``input_ids``."""

    @abstractmethod
    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        """Raise ModelMismatchError unless the processor belongs to the model."""

    @abstractmethod
    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        """Fit one original image, uint8 (height, width, 3), and say what its tokens stand for."""

    @abstractmethod
    def image_embeddings(self, hf: PreTrainedModel, inputs: dict[str, Tensor]) -> Tensor:
        """Float (batch, tokens, hidden): what the decoder receives for the image tokens."""


AnyFamily = Family | DualFamily


class FamilyRegistry:
    """Families by id and by model type; a duplicate raises."""

    def __init__(self) -> None:
        self._families: dict[str, AnyFamily] = {}
        self._types: dict[str, AnyFamily] = {}

    def register(self, family: AnyFamily) -> AnyFamily:
        """Add a family.

        Raises:
            ValueError: when its id or one of its model types is taken.
        """
        if family.id in self._families:
            raise ValueError(f"A family with the id {family.id!r} is registered already.")
        taken = [name for name in family.model_types if name in self._types]
        if taken:
            raise ValueError(
                f"Model type(s) {taken} belong to the family {self._types[taken[0]].id!r}."
            )
        self._families[family.id] = family
        self._types.update(dict.fromkeys(family.model_types, family))
        return family

    def __iter__(self) -> Iterator[AnyFamily]:
        return iter(self._families.values())

    def for_model_type(self, model_type: str, where: str) -> AnyFamily:
        """The family of a ``config.model_type``.

        Raises:
            UnsupportedError: when no family covers it; lists what is covered.
        """
        if model_type in self._types:
            return self._types[model_type]
        raise UnsupportedError(
            f"{where} is of the type {model_type!r}, which no family of vlmscope covers. "
            f"Covered: {', '.join(sorted(self._types))}. A new family is one file in "
            "vlmscope/models; see `vlmscope models`."
        )
