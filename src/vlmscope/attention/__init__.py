"""Attention without the cost: capture rows, block edges, stop early, share the image prefix.

The only place in vlmscope that touches hooks or transformers' attention registry.
"""

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.generation import Generation, generate
from vlmscope.attention.knockout import EDGE_ROLES, Knockout, knockout
from vlmscope.attention.maps import HeadMaps, captured, read_heads
from vlmscope.attention.prefill import Prefill, prefill, token_map
from vlmscope.attention.prefix import SharedPrefix, shared_prefix
from vlmscope.attention.selection import ROWS

__all__ = [
    "EDGE_ROLES",
    "ROWS",
    "Generation",
    "HeadMaps",
    "Knockout",
    "Prefill",
    "SharedPrefix",
    "Trace",
    "capture",
    "captured",
    "generate",
    "knockout",
    "prefill",
    "read_heads",
    "shared_prefix",
    "token_map",
]
