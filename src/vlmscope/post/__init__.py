"""From attention on image tokens to a heat map, a mask, a box and a point on original pixels."""

from vlmscope.post.checks import change_options, check_options
from vlmscope.post.coverage import box_coverage, mask_coverage, visible_areas
from vlmscope.post.heatmap import heat_map, score_map
from vlmscope.post.labels import Labels, competing_labels, standalone_labels
from vlmscope.post.options import PAPER, POST_PRESETS, PostOptions
from vlmscope.post.raster import Raster, rasterise
from vlmscope.post.region import Region, find_region, peak
from vlmscope.post.smoothing import combine, smooth

__all__ = [
    "PAPER",
    "POST_PRESETS",
    "Labels",
    "PostOptions",
    "Raster",
    "Region",
    "box_coverage",
    "change_options",
    "check_options",
    "combine",
    "competing_labels",
    "find_region",
    "heat_map",
    "mask_coverage",
    "peak",
    "rasterise",
    "score_map",
    "smooth",
    "standalone_labels",
    "visible_areas",
]
