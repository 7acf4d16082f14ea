"""The regions of a picture that are removed: the cells of its token grid, and a map's value in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.results import Grounding
from vlmscope.types import Role, TokenMap, View

__all__ = ["Regions"]


@dataclass(frozen=True, eq=False)
class Regions:
    """Cells of one grid over the picture, row-major.

    The grid is that of the view that sees most of the picture, the coarsest of several that see as
    much; rows and columns over a padded border are left out.

    Attributes:
        shape: (rows, columns).
        image_size: (height, width) in pixels.
        rows: int (height,): the row that each line of pixels belongs to.
        columns: int (width,): the column of each.
        positions: int (image tokens,): every position of the sequence that stands for the image, those
            between tiles and rows included.
        owners: int (image tokens,): the region of each: where its cell's centre lies, of a token over
            the border the nearest, of one between tiles that of the token before it.
        grid: (rows, columns) of the view, the border included.
        inside: the view's rows and columns that are kept, as (first, last) each.
    """

    shape: tuple[int, int]
    image_size: tuple[int, int]
    rows: NDArray[np.int64] = field(repr=False)
    columns: NDArray[np.int64] = field(repr=False)
    positions: NDArray[np.int64] = field(repr=False)
    owners: NDArray[np.int64] = field(repr=False)
    grid: tuple[int, int]
    inside: tuple[tuple[int, int], tuple[int, int]]

    @classmethod
    def of(cls, token_map: TokenMap) -> Regions:
        """Of a prompt with one picture."""
        height, width = token_map.image_size
        views = token_map.on_cells().views
        view = max(views, key=lambda each: (_area(each, token_map.image_size), -np.prod(each.grid)))
        down, across = _touching(view.y_edges, height), _touching(view.x_edges, width)
        shape = down[1] - down[0] + 1, across[1] - across[0] + 1
        positions, owners = _owners(token_map, view, down, across, shape[1])
        return cls(
            shape,
            (height, width),
            _cells(np.arange(height, dtype=np.float64) + 0.5, view.y_edges, down),
            _cells(np.arange(width, dtype=np.float64) + 0.5, view.x_edges, across),
            positions,
            owners,
            view.grid,
            (down, across),
        )

    @classmethod
    def even(cls, shape: tuple[int, int], image_size: tuple[int, int]) -> Regions:
        """Cells of one size over a picture, for a model whose tokens are not known.

        Args:
            shape: (rows, columns), no more than there are pixels.
            image_size: (height, width).
        """
        lines, columns = (
            np.arange(pixels) * cells // pixels
            for pixels, cells in zip(image_size, shape, strict=True)
        )
        nobody = np.zeros(0, dtype=np.int64)
        inside = ((0, shape[0] - 1), (0, shape[1] - 1))
        return cls(shape, image_size, lines, columns, nobody, nobody, shape, inside)

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def tokens(self, removed: NDArray[np.bool_]) -> tuple[int, ...]:
        """The positions of the tokens of removed regions, ascending; ``removed`` is bool (regions,)."""
        return tuple(int(each) for each in self.positions[removed[self.owners]])

    def pixels(self, removed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Bool (height, width), True on removed regions."""
        grid = removed.reshape(self.shape)
        inside: NDArray[np.bool_] = grid[self.rows[:, None], self.columns[None, :]]
        return inside

    def weights(self, name: str, source: Any, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """A map's value in each region, float (regions,).

        Args:
            name: of the map, for messages.
            source: a Grounding of this picture, or float (height, width) on its pixels or on its grid.
            image: uint8 (height, width, 3), the picture.

        Raises:
            BadSampleError: a map of another picture, with a value that is not finite, or the same
                everywhere.
        """
        values = _values(name, source, image, self.grid)
        if not np.isfinite(values).all():
            raise BadSampleError(
                f"The map {name!r} holds NaN or infinity, so regions cannot be put in order by it. Give "
                "finite values."
            )
        if values.shape == self.grid:
            (top, bottom), (left, right) = self.inside
            cells = values[top : bottom + 1, left : right + 1].reshape(-1)
        elif values.shape == self.image_size:
            cells = self._means(values)
        else:
            raise BadSampleError(
                f"The map {name!r} has shape {values.shape}: it belongs to another picture. This one "
                f"has {self.image_size} pixels (height, width) and image tokens on a grid of {self.grid}."
            )
        if np.ptp(cells) == 0:
            raise BadSampleError(
                f"The map {name!r} is the same everywhere, so it puts no region before another."
            )
        return cells

    def _means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        labels = (self.rows[:, None] * self.shape[1] + self.columns[None, :]).reshape(-1)
        counts = np.bincount(labels, minlength=len(self))
        sums = np.bincount(labels, values.reshape(-1), minlength=len(self))
        # a cell thinner than a pixel may hold no pixel's centre: nothing of the map is in it
        return np.divide(sums, counts, out=np.full(len(self), values.min()), where=counts > 0)


def _values(
    name: str, source: Any, image: NDArray[np.uint8], grid: tuple[int, int]
) -> NDArray[np.float64]:
    if isinstance(source, Grounding):
        if source.image.shape != image.shape or not np.array_equal(source.image, image):
            raise BadSampleError(
                f"The map {name!r} ({source.phrase!r} by {source.method}) is of another picture. Ground the "
                "picture that the question is about."
            )
        # another model's grid is another one; its heat map is on pixels, in the same order
        return np.asarray(
            source.score_map if source.score_map.shape == grid else source.heatmap, dtype=np.float64
        )
    try:
        values = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadSampleError(
            f"The map {name!r} is a Grounding or float (height, width), got {type(source).__name__}."
        ) from error
    if values.ndim != 2:
        raise BadSampleError(f"The map {name!r} must be (height, width), got shape {values.shape}.")
    return values


def _area(view: View, image_size: tuple[int, int]) -> float:
    x0, y0, x1, y1 = view.seen(image_size)
    return round(max(0.0, x1 - x0) * max(0.0, y1 - y0), 3)


def _touching(edges: NDArray[np.float64], size: int) -> tuple[int, int]:
    """First and last cell that hold part of the picture, along one axis."""
    overlaps = np.minimum(edges[1:], size) - np.maximum(edges[:-1], 0)
    held = np.flatnonzero(overlaps > 1e-6)
    return int(held[0]), int(held[-1])


def _cells(
    places: NDArray[np.float64], edges: NDArray[np.float64], inside: tuple[int, int]
) -> NDArray[np.int64]:
    """The kept cell that each place lies in or is nearest to, from 0, along one axis."""
    cells = np.searchsorted(edges, places, side="right") - 1
    return (np.clip(cells, *inside) - inside[0]).astype(np.int64)


def _owners(
    token_map: TokenMap,
    view: View,
    down: tuple[int, int],
    across: tuple[int, int],
    columns: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every image position, ascending, and its region; none where tokens have no place of their own."""
    if token_map.carries or token_map.crossed:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    boxes = np.concatenate([each.boxes for each in token_map.views])
    on_grid = np.concatenate([each.positions for each in token_map.views])
    rows = _cells((boxes[:, 1] + boxes[:, 3]) / 2, view.y_edges, down)
    owner = rows * columns + _cells((boxes[:, 0] + boxes[:, 2]) / 2, view.x_edges, across)
    return _with_separators(token_map, on_grid, owner)


def _with_separators(
    token_map: TokenMap, on_grid: NDArray[np.int64], owner: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(on_grid, kind="stable")
    every = np.flatnonzero(token_map.roles == Role.IMAGE)
    before = np.searchsorted(on_grid[order], every, side="right") - 1
    return every, owner[order][np.clip(before, 0, None)]
