"""The demonstration: discovery, verification and grounding, offline, told on one page."""

from vlmscope.demo.page import render_page, write_page
from vlmscope.demo.story import DemoOptions, Judged, Mistake, Story, tell

__all__ = ["DemoOptions", "Judged", "Mistake", "Story", "render_page", "tell", "write_page"]
