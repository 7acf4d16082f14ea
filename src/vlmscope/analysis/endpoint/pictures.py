"""The one picture, and versions of it with regions hidden."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.analysis.endpoint.messages import data_url
from vlmscope.analysis.endpoint.options import ExplainOptions
from vlmscope.analysis.endpoint.windows import grid_of
from vlmscope.analysis.faithfulness.forms import filled, painted
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadImageError

__all__ = ["MAX_PIXELS", "Pictures"]

MAX_PIXELS = 4_000_000
"""Of a picture that is sent as it is: a hundred requests carry it."""

_MOST_BYTES = 20 << 20  # of one picture; what the larger services take


@dataclass(frozen=True, eq=False)
class Pictures:
    """A picture whose regions can be hidden.

    Attributes:
        pixels: uint8 (height, width, 3), as it is sent.
        paint: what hidden regions show.
        regions: cells of one size.
        original: (height, width) before it was made smaller.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    paint: NDArray[np.uint8] = field(repr=False)
    regions: Regions
    original: tuple[int, int]

    @classmethod
    def of(
        cls, image: ImageSource | OpenedImage, options: ExplainOptions, max_pixels: int = MAX_PIXELS
    ) -> Pictures:
        """Of anything that :func:`vlmscope.open_image` takes.

        Raises:
            BadImageError: as there; or too large to be sent again and again.
        """
        opened = open_image(image)
        pixels = _fitted(opened.pixels, options.side)
        height, width = pixels.shape[:2]
        if height * width > max_pixels:
            raise BadImageError(
                f"{opened.name} has {width} x {height} pixels, and every request would carry them; the limit "
                f"is {max_pixels:,} pixels. Send it smaller, with --side 1024, or raise --max-pixels."
            )
        shape = grid_of((height, width), options.grid)
        regions = Regions.even(shape, (height, width))
        made = cls(pixels, filled(pixels, options.fill), regions, opened.size)
        length = len(made.url(np.zeros(len(regions), dtype=bool)))
        if length > _MOST_BYTES:
            raise BadImageError(
                f"{opened.name} takes {length / 2**20:.0f} MB in a request, more than the "
                f"{_MOST_BYTES >> 20} that endpoints take. Send it smaller, with --side 1024."
            )
        return made

    def url(self, hidden: NDArray[np.bool_]) -> str:
        """The picture with regions hidden, bool (regions,), as an address that holds it."""
        return data_url(painted(self.pixels, self.paint, self.regions, hidden))


def _fitted(pixels: NDArray[np.uint8], side: int | None) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if side is None or max(height, width) <= side:
        return pixels
    factor = side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
