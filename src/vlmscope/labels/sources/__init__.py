"""Sources of images: one file each, behind one interface."""

from vlmscope.labels.sources.base import Columns, Item, Source
from vlmscope.labels.sources.opening import open_source

__all__ = ["Columns", "Item", "Source", "open_source"]
