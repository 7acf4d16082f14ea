"""Attention without the cost: capture rows, block edges, stop early, share the image prefix.

The only place in vlmscope that touches hooks or transformers' attention registry.
"""

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.fitted import FittedImage
from vlmscope.attention.generation import Generation, generate
from vlmscope.attention.head_maps import HeadMaps, HeadReading, captured
from vlmscope.attention.hidden.rows import rows_from_hidden_states
from vlmscope.attention.knockout import EDGE_ROLES, Knockout, knockout
from vlmscope.attention.lightening.lighten import WAYS, lighten
from vlmscope.attention.maps import image_layers, read_heads, read_heads_of_images
from vlmscope.attention.mean_maps import MeanMaps, MeanReading, Reading
from vlmscope.attention.prefill import Prefill, prefill, token_map
from vlmscope.attention.prefix import SharedPrefix, shared_prefix
from vlmscope.attention.selection import ROWS
from vlmscope.attention.together import ImageReading, read_images, read_together

__all__ = [
    "EDGE_ROLES",
    "ROWS",
    "WAYS",
    "FittedImage",
    "Generation",
    "HeadMaps",
    "HeadReading",
    "ImageReading",
    "Knockout",
    "MeanMaps",
    "MeanReading",
    "Prefill",
    "Reading",
    "SharedPrefix",
    "Trace",
    "capture",
    "captured",
    "generate",
    "image_layers",
    "knockout",
    "lighten",
    "prefill",
    "read_heads",
    "read_heads_of_images",
    "read_images",
    "read_together",
    "rows_from_hidden_states",
    "shared_prefix",
    "token_map",
]
