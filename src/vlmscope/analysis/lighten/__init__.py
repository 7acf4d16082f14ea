"""What a model still answers without some of its image tokens (docs/methods/lighten.md)."""

from vlmscope.analysis.lighten.measure import lighten_sweep
from vlmscope.analysis.lighten.options import LightenOptions
from vlmscope.analysis.lighten.result import LightenSweep

__all__ = ["LightenOptions", "LightenSweep", "lighten_sweep"]
