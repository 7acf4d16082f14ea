"""What every position of a prompt is, and which pixels each image token stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.markup import one_line
from vlmscope.types.views import Carry, View, paint_views

__all__ = ["Role", "TokenMap"]


class Role(IntEnum):
    """What one position of the sequence is.

    ``IMAGE`` is every token that stands in place of an image, separators between its tiles and rows
    included. ``QUERY`` is every prompt token after the first image that is not part of the phrase, a
    chat template's tail included; ``SYSTEM`` is every text token before it (BOS included).
    """

    PAD = 0
    SYSTEM = 1
    IMAGE = 2
    QUERY = 3
    PHRASE = 4
    GENERATED = 5


# A phrase is a part of the query, so asking for the query gives both; "text" is what the paper
# "What's in the Image" calls query tokens: every non-image token of the prompt.
_GROUPS: dict[str, tuple[Role, ...]] = {
    "system": (Role.SYSTEM,),
    "image": (Role.IMAGE,),
    "query": (Role.QUERY, Role.PHRASE),
    "phrase": (Role.PHRASE,),
    "generated": (Role.GENERATED,),
    "text": (Role.SYSTEM, Role.QUERY, Role.PHRASE),
    "pad": (Role.PAD,),
}


@dataclass(frozen=True, eq=False)
class TokenMap:
    """Roles of every position of one sequence, and the geometry of its image tokens.

    Attributes:
        roles: int8 (positions,), values of :class:`Role`.
        tokens: the text of every position, special tokens spelled out.
        image_size: (height, width) of the original image in pixels.
        views: the grids of image tokens, image after image, in the order of the sequence.
        placement: how the image was fitted, for the record: ``"pad"``, ``"crop"``, ``"resize"`` ...
        notes: sentences the user should know of this prompt (words the vocabulary lacks).
        more_sizes: (height, width) of the second and further images of the prompt.
        carries: for query tokens (Q-Former), one per image; the views then name cells, not tokens.
        crossed: the image is read by cross-attention: positions of the views count the keys of the
            cross-attention layers, not the sequence.
        picture_notes: sentences the user should know of the pictures, each once.
    """

    roles: NDArray[np.int8]
    tokens: tuple[str, ...]
    image_size: tuple[int, int]
    views: tuple[View, ...]
    placement: str = "resize"
    notes: tuple[str, ...] = ()
    more_sizes: tuple[tuple[int, int], ...] = ()
    carries: tuple[Carry, ...] = ()
    crossed: bool = False
    picture_notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        grids = ", ".join("x".join(map(str, view.grid)) for view in self.views)
        counts = [f"{len(self.positions(role))} {role}" for role in ("system", "image", "query")]
        height, width = self.image_size
        return one_line(
            self,
            f"{len(self)} positions: {', '.join(counts)}",
            f"grids {grids} (rows x columns)",
            f"{self.images} image{'s' if self.images > 1 else ''}, {width}x{height}, {self.placement}",
        )

    def __len__(self) -> int:
        return len(self.roles)

    def positions(self, role: str) -> NDArray[np.int64]:
        """Positions of a role, ascending: int (n,).

        Args:
            role: ``system``, ``image``, ``query`` (the phrase included), ``phrase``,
                ``generated``, ``text`` (every non-image prompt token) or ``pad``.

        Raises:
            UnknownNameError: for any other role.
        """
        if role not in _GROUPS:
            raise UnknownNameError("token role", role, _GROUPS)
        return np.flatnonzero(np.isin(self.roles, _GROUPS[role]))

    @property
    def image_positions(self) -> NDArray[np.int64]:
        """Int (tokens,): the positions of all image tokens that lie on a grid, view after view.

        The last axis of every captured map is in this order. Separator tokens of some families
        carry the image role but lie on no grid; they are not part of it.
        """
        holders: tuple[View | Carry, ...] = self.carries or self.views
        return np.concatenate([holder.positions for holder in holders])

    @property
    def images(self) -> int:
        """How many images the prompt holds."""
        return 1 + len(self.more_sizes)

    def of_image(self, image: int) -> tuple[TokenMap, NDArray[np.int64]]:
        """The same prompt with one of its images alone, and where that image's tokens are.

        Args:
            image: which, from 0.

        Returns:
            A token map whose views and size are those of the image, and int (tokens,): its columns
            in the last axis of a captured map of the whole prompt.

        Raises:
            BadOptionError: the prompt holds no such image.
        """
        if not 0 <= image < self.images:
            raise BadOptionError(
                f"This prompt holds {self.images} image(s), 0 to {self.images - 1}; got {image}."
            )
        holders: tuple[View | Carry, ...] = self.carries or self.views
        owners = np.concatenate([np.full(len(each.positions), each.image) for each in holders])
        size = (self.image_size, *self.more_sizes)[image]
        alone = replace(
            self,
            image_size=size,
            views=tuple(replace(view, image=0) for view in self.views if view.image == image),
            carries=tuple(replace(each, image=0) for each in self.carries if each.image == image),
            more_sizes=(),
        )
        return alone, np.flatnonzero(owners == image)

    @property
    def seen(self) -> tuple[float, float, float, float]:
        """xyxy of the original image: the rectangle around all that image tokens cover."""
        boxes = np.array([view.seen(self.image_size) for view in self.views])
        x0, y0 = boxes[:, :2].min(axis=0)
        x1, y1 = boxes[:, 2:].max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    @property
    def unseen_fraction(self) -> float:
        """Share of the original image outside :attr:`seen` (a crop cut it off), 0..1."""
        x0, y0, x1, y1 = self.seen
        height, width = self.image_size
        return max(0.0, 1.0 - (x1 - x0) * (y1 - y0) / (height * width))

    def split(self, weights: ArrayLike) -> list[NDArray[np.float64]]:
        """Cut a (..., tokens) array into one (..., height, width) grid per view.

        Raises:
            ValueError: when the last axis is not the number of image tokens.
        """
        values = np.asarray(weights, dtype=np.float64)
        count = len(self.image_positions)
        if values.ndim == 0 or values.shape[-1] != count:
            raise ValueError(
                f"weights must end in {count} image tokens, got shape {values.shape}; "
                "take them from trace.maps or token_map.image_positions"
            )
        values = self.carried(values)
        sizes = [view.grid[0] * view.grid[1] for view in self.views]
        parts = np.split(values, np.cumsum(sizes)[:-1], axis=-1)
        return [
            part.reshape(*values.shape[:-1], *view.grid)
            for part, view in zip(parts, self.views, strict=True)
        ]

    def carried(self, weights: ArrayLike) -> NDArray[np.float64]:
        """What query tokens weigh on the cells of the views: (..., tokens) to (..., cells).

        Weights of a family whose tokens stand for cells themselves come back as they are.
        """
        values = np.asarray(weights, dtype=np.float64)
        if not self.carries:
            return values
        ends = np.cumsum([len(carry.positions) for carry in self.carries])
        parts = np.split(values, ends[:-1], axis=-1)
        return np.concatenate(
            [part @ carry.shares for part, carry in zip(parts, self.carries, strict=True)], axis=-1
        )

    def on_cells(self) -> TokenMap:
        """The map that goes with :meth:`carried` weights: one token per cell, for post-processing.

        Its views no longer name positions of the sequence.
        """
        if not self.carries:
            return self
        ends = np.cumsum([view.grid[0] * view.grid[1] for view in self.views])
        cells = np.split(np.arange(ends[-1]), ends[:-1])
        views = tuple(
            replace(view, positions=positions)
            for view, positions in zip(self.views, cells, strict=True)
        )
        return replace(self, views=views, carries=())

    def to_pixels(self, weights: ArrayLike, interpolation: str = "bilinear") -> NDArray[np.float32]:
        """Paint token weights onto the original image.

        Args:
            weights: float (tokens,), one value per image token in ``image_positions`` order.
            interpolation: ``"bilinear"`` between cell centres (for looking at); ``"nearest"``,
                each pixel takes the value of the cell it lies in; ``"density"``, like nearest but
                each cell's value is spread over its pixels so that the SUM over the image equals
                the sum of the weights of cells that cover it (attention mass is conserved).

        Returns:
            float32 (height, width) of the ORIGINAL image. Pixels no token covers are 0; where
            views overlap their values are averaged (summed under ``"density"``).

        Raises:
            BadOptionError: the prompt holds several images; choose one with :meth:`of_image`.
        """
        if self.images > 1:
            raise BadOptionError(
                f"This prompt holds {self.images} images, so there is no single one to paint on. Take "
                "one: alone, columns = token_map.of_image(0); alone.to_pixels(weights[columns])."
            )
        return paint_views(self.views, self.split(weights), self.image_size, interpolation)
