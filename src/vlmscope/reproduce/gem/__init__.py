"""The claims of GEM (Bousselham et al., CVPR 2024), put to the test."""

from vlmscope.reproduce.gem.run import reproduce_gem
from vlmscope.reproduce.gem.settings import Settings

__all__ = ["Settings", "reproduce_gem"]
