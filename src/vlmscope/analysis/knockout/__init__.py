"""Knock-out sweeps: which layers carry the answer ("What's in the Image", attention blocking)."""

from vlmscope.analysis.knockout.edges import VARIANTS, parse_edges
from vlmscope.analysis.knockout.judges import EndpointJudge, Judge
from vlmscope.analysis.knockout.measure import knockout_sweep
from vlmscope.analysis.knockout.objects import ObjectWords
from vlmscope.analysis.knockout.options import KnockoutOptions
from vlmscope.analysis.knockout.result import EFFECTS, KnockoutSweep
from vlmscope.analysis.knockout.windows import Window, windows

__all__ = [
    "EFFECTS",
    "VARIANTS",
    "EndpointJudge",
    "Judge",
    "KnockoutOptions",
    "KnockoutSweep",
    "ObjectWords",
    "Window",
    "knockout_sweep",
    "parse_edges",
    "windows",
]
