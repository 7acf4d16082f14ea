"""Small data sets in the layouts of the real ones, rendered: to try a command before a download."""

from vlmscope.data.tiny_sets.make import LAYOUTS, make_tiny

__all__ = ["LAYOUTS", "make_tiny"]
