"""One page for what an analysis found: text, tables, plots and pictures as blocks of a view."""

from vlmscope.report.page import Page, Photo
from vlmscope.report.plots import Series, curves, head_map

__all__ = ["Page", "Photo", "Series", "curves", "head_map"]
