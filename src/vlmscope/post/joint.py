"""One threshold for the maps of several pictures that a model saw side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vlmscope.post.locate import Located
from vlmscope.post.options import PostOptions
from vlmscope.post.raster import rasterise
from vlmscope.post.region import binarise

__all__ = ["joint_limits"]


def joint_limits(located: Sequence[Located], options: PostOptions) -> list[float]:
    """What a place of each picture has to exceed to be lit, as if all were one picture.

    The threshold is found over all of them. A picture whose peak does not reach the share
    ``options.further`` of the highest, both above the lowest place of all, has no lit place: it is to
    the others as a further object is to the first.

    Args:
        located: one for each picture, of one phrase.
        options: of the post-processing: ``threshold``, ``share``, ``further`` and ``surface``.

    Returns:
        One for each picture; infinity where none of its places is lit.
    """
    rasters = [rasterise(each.token_map, each.weights, options.surface) for each in located]
    inside = [raster.values[raster.seen] for raster in rasters]
    whole = np.concatenate(inside)[None]
    cells = np.concatenate([each.weights for each in located])
    _, limit = binarise(whole, np.ones_like(whole, dtype=bool), options, cells)
    if limit is None:
        return [np.inf] * len(located)
    least = float(whole.min()) + options.further * float(whole.max() - whole.min())
    return [limit if float(values.max(initial=-np.inf)) >= least else np.inf for values in inside]
