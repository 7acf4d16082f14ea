"""From attention on image tokens to a heat map, a mask, a box and a point on original pixels."""

from vlmscope.post.coverage import box_coverage, mask_coverage, visible_areas
from vlmscope.post.joint import joint_limits
from vlmscope.post.labels import Labels, competing_labels, standalone_labels
from vlmscope.post.lit_points import lit_points
from vlmscope.post.locate import (
    Located,
    attention_share,
    heat_map,
    heat_range,
    image_cautions,
    locate,
    score_map,
)
from vlmscope.post.maps import combine, smooth
from vlmscope.post.options import PAPER, PAPER_SEEN, POST_PRESETS, PostOptions
from vlmscope.post.painted_grid import PaintedGrid
from vlmscope.post.pointing import pointing_hits
from vlmscope.post.raster import Raster, rasterise
from vlmscope.post.region import Region, find_region, peak
from vlmscope.post.regions import Regions, vote
from vlmscope.post.word_labels import WordRule, word_labels

__all__ = [
    "PAPER",
    "PAPER_SEEN",
    "POST_PRESETS",
    "Labels",
    "Located",
    "PaintedGrid",
    "PostOptions",
    "Raster",
    "Region",
    "Regions",
    "WordRule",
    "attention_share",
    "box_coverage",
    "combine",
    "competing_labels",
    "find_region",
    "heat_map",
    "heat_range",
    "image_cautions",
    "joint_limits",
    "lit_points",
    "locate",
    "mask_coverage",
    "peak",
    "pointing_hits",
    "rasterise",
    "score_map",
    "smooth",
    "standalone_labels",
    "visible_areas",
    "vote",
    "word_labels",
]
