"""From attention on image tokens to a heat map, a mask, a box and a point on original pixels."""

from vlmscope.post.checks import change_options, check_options
from vlmscope.post.coverage import box_coverage, mask_coverage, visible_areas
from vlmscope.post.heatmap import heat_map, score_map
from vlmscope.post.options import PAPER, POST_PRESETS, PostOptions
from vlmscope.post.raster import Raster, rasterise
from vlmscope.post.region import Region, find_region, peak
from vlmscope.post.smoothing import combine, smooth

__all__ = [
    "PAPER",
    "POST_PRESETS",
    "PostOptions",
    "Raster",
    "Region",
    "box_coverage",
    "change_options",
    "check_options",
    "combine",
    "find_region",
    "heat_map",
    "mask_coverage",
    "peak",
    "rasterise",
    "score_map",
    "smooth",
    "visible_areas",
]
