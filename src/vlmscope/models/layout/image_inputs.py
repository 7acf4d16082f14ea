"""One image as a model takes it: tensors, what stands for it in the prompt, grids of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.models.prompts.prompt import Expansion

__all__ = ["GridLayout", "ImageInputs"]


@dataclass(frozen=True, eq=False)
class GridLayout:
    """One grid of image tokens before it is placed in a sequence.

    Attributes:
        name: of the view.
        offsets: int (rows * columns,), row-major: which of the image's tokens each cell is, from 0,
            separators between tiles and rows not counted.
        y_edges: float (rows + 1,), original pixels.
        x_edges: float (columns + 1,), original pixels.
        picture: of a clip: which of its steps in time the grid shows, from 0.
        frames: of a clip: the first frame that the grid shows, and the one after its last.
    """

    name: str
    offsets: NDArray[np.int64]
    y_edges: NDArray[np.float64]
    x_edges: NDArray[np.float64]
    picture: int = 0
    frames: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class ImageInputs:
    """One image, or one clip, as the model takes it.

    Attributes:
        tensors: keyword arguments of the model's forward.
        expansion: what stands for the image in the prompt.
        layouts: its grids.
        placement: how it was fitted.
        shares: of query tokens: float (tokens, cells), see :class:`vlmscope.types.Carry`.
        notes: sentences on the picture.
        kind: ``image``, or ``video`` for a clip that is read as one.
    """

    tensors: dict[str, Tensor]
    expansion: Expansion
    layouts: tuple[GridLayout, ...]
    placement: str
    shares: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    kind: str = "image"

    @property
    def pictures(self) -> int:
        """How many pictures it is to a token map: 1, or the steps in time of a clip."""
        return 1 + max((layout.picture for layout in self.layouts), default=0)
