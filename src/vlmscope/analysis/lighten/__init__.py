"""What a model still answers without some of its image tokens (docs/methods/lighten.md)."""

from vlmscope.analysis.lighten.measure import LightenOptions, lighten_sweep
from vlmscope.analysis.lighten.result import LightenSweep

__all__ = ["LightenOptions", "LightenSweep", "lighten_sweep"]
