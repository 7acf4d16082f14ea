"""All objects of a phrase, out of the one map that there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.options import PostOptions
from vlmscope.post.peaks import find_peaks
from vlmscope.post.raster import Raster, box_of, cell_at, finest_size, mask_of, rasterise, repaint
from vlmscope.post.region import LitParts, label_components, lit_parts
from vlmscope.types import Instance, TokenMap

__all__ = ["find_instances"]

PROMINENCE = 0.1
"""How far a peak stands above the way to a higher one at least, as a share of the first's height: a
dent in an object makes no second one."""


def find_instances(
    token_map: TokenMap,
    weights: NDArray[np.float64],
    options: PostOptions,
    limit: float | None = None,
) -> list[Instance]:
    """The region that :func:`vlmscope.post.find_region` finds, then every further object, best first.

    A further object has a peak of its own outside the region and outside every better object's part.
    Heights are counted from the lowest value that shows the picture. Objects that touch, so that
    the region holds both, stay one.

    Args:
        token_map: geometry of the image tokens.
        weights: float64 (tokens,), the combined map, smoothed already; finite.
        options: of the post-processing; ``split``, ``further`` and ``rim`` are for this alone.
        limit: as for :func:`vlmscope.post.find_region`.

    Returns:
        Instances whose score is their peak's height as a share of the first's, 1 at most; none when
        nothing lights up.
    """
    parts = lit_parts(token_map, weights, options, limit)
    if parts.kept is None:
        return []
    scene = _Scene.of(token_map, weights, parts)
    objects = [(_own_point(parts, parts.kept), 1.0, parts.kept)]
    free = parts.raster.seen & ~parts.kept
    for point, height in scene.seeds(parts.kept, options.further):
        part = scene.part(point, height, free, options)
        if part is not None:
            free = free & ~part
            objects.append((point, min(1.0, height), part))
    return _instances(parts.raster, token_map.image_size, objects)


_Object = tuple[tuple[float, float], float, NDArray[np.bool_]]
"""(x, y), height as a share of the first's, and bool (rows, columns) of the raster."""


@dataclass(frozen=True, eq=False)
class _Scene:
    """A map with its peaks.

    Attributes:
        parts: what is lit.
        points: (x, y) of every peak, in original pixels.
        basins: int (rows, columns) of the raster, the number of the peak that each place belongs to.
        heights: float (rows, columns), 0 at the lowest place seen, 1 at the kept part's highest.
    """

    parts: LitParts
    points: list[tuple[float, float]]
    basins: NDArray[np.int64]
    heights: NDArray[np.float64]

    @classmethod
    def of(cls, token_map: TokenMap, weights: NDArray[np.float64], parts: LitParts) -> _Scene:
        raster = parts.raster
        low, high = float(raster.values[raster.seen].min()), float(raster.values[parts.kept].max())
        # peaks of a painted map are those of its cells, and cells are few
        coarse = _cells(token_map, weights)
        peaks = find_peaks(coarse.values, coarse.seen, PROMINENCE * (high - low))
        rows, columns = (
            np.clip(np.searchsorted(edges, _middles(fine), side="right") - 1, 0, len(edges) - 2)
            for edges, fine in (
                (coarse.y_edges, raster.y_edges),
                (coarse.x_edges, raster.x_edges),
            )
        )
        points = [_middle(coarse, place) for place in peaks.places]
        heights = (raster.values - low) / (high - low)
        return cls(parts, points, peaks.basins[np.ix_(rows, columns)], heights)

    def seeds(
        self, kept: NDArray[np.bool_], least: float
    ) -> list[tuple[tuple[float, float], float]]:
        """Points and heights of peaks outside the kept part, highest first."""
        places = [(point, cell_at(self.parts.raster, point)) for point in self.points]
        outside = [
            (point, float(self.heights[place])) for point, place in places if not kept[place]
        ]
        return sorted((seed for seed in outside if seed[1] >= least), key=lambda seed: -seed[1])

    def part(
        self,
        point: tuple[float, float],
        height: float,
        free: NDArray[np.bool_],
        options: PostOptions,
    ) -> NDArray[np.bool_] | None:
        """Bool (rows, columns) of the object around a peak; None where that is taken or unlit."""
        place = cell_at(self.parts.raster, point)
        if options.split == "heights":
            area = free & (self.heights >= options.rim * height)
        else:
            area = free & (self.parts.labels > 0)
        if options.split != "components":
            area &= self.basins == self.basins[place]
        labels, _ = label_components(area)
        return labels == labels[place] if labels[place] else None


def _cells(token_map: TokenMap, weights: NDArray[np.float64]) -> Raster:
    """The map at the pitch of its cells: of several grids, of the finest."""
    if len(token_map.views) == 1:
        return rasterise(token_map, weights, "grid")
    size = finest_size(token_map)
    height, width = token_map.image_size
    return Raster(
        values=repaint(token_map, weights, size, "bilinear"),
        seen=repaint(token_map, np.ones_like(weights), size, "nearest") > 0,
        y_edges=np.linspace(0, height, size[0] + 1),
        x_edges=np.linspace(0, width, size[1] + 1),
        surface="pixels",
    )


def _own_point(parts: LitParts, part: NDArray[np.bool_]) -> tuple[float, float]:
    """The strongest place of the whole map if it lies in a part, else the part's own."""
    if parts.point is not None and part[cell_at(parts.raster, parts.point)]:
        return parts.point
    inside = np.where(part, parts.raster.values, -np.inf)
    row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return _middle(parts.raster, (int(row), int(column)))


def _middle(raster: Raster, place: tuple[int, int]) -> tuple[float, float]:
    """(x, y) of the middle of a rectangle."""
    y, x = _middles(raster.y_edges), _middles(raster.x_edges)
    return float(x[place[1]]), float(y[place[0]])


def _middles(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return (edges[:-1] + edges[1:]) / 2


def _instances(raster: Raster, size: tuple[int, int], objects: list[_Object]) -> list[Instance]:
    """Objects on pixels; where cells are smaller than a pixel, one pixel may hold several."""
    taken = np.zeros(size, dtype=bool)
    instances = []
    for point, height, part in objects:
        box = box_of(raster, part)
        mask = mask_of(raster, part, size, box) & ~taken
        if mask.any():
            taken |= mask
            instances.append(Instance(box, mask, point, height))
    return instances
