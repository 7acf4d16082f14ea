"""Knock-out sweeps: which layers carry the answer (docs/methods/knock-out.md)."""

from vlmscope.analysis.knockout.effects import EFFECTS
from vlmscope.analysis.knockout.judges import EndpointJudge, Judge
from vlmscope.analysis.knockout.layers import CarryingLayers
from vlmscope.analysis.knockout.measure import knockout_sweep
from vlmscope.analysis.knockout.objects import ObjectWords
from vlmscope.analysis.knockout.options import KnockoutOptions
from vlmscope.analysis.knockout.result import KnockoutSweep
from vlmscope.analysis.knockout.windows import (
    VARIANTS,
    EdgeSet,
    Window,
    edge_sets,
    parse_edges,
    windows,
)

__all__ = [
    "EFFECTS",
    "VARIANTS",
    "CarryingLayers",
    "EdgeSet",
    "EndpointJudge",
    "Judge",
    "KnockoutOptions",
    "KnockoutSweep",
    "ObjectWords",
    "Window",
    "edge_sets",
    "knockout_sweep",
    "parse_edges",
    "windows",
]
