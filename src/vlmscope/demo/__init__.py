"""The demonstration: discovery, verification and grounding, offline, told on one page."""

from vlmscope.demo.page import story_view, write_page
from vlmscope.demo.story import DemoOptions, Judged, Mistake, Story, tell

__all__ = ["DemoOptions", "Judged", "Mistake", "Story", "story_view", "tell", "write_page"]
