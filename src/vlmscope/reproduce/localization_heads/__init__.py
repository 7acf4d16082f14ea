"""Kang et al., CVPR 2025: do a few attention heads of a frozen model point at what a phrase names?"""

from vlmscope.reproduce.localization_heads.run import reproduce_localization_heads
from vlmscope.reproduce.localization_heads.scope import Scope

__all__ = ["Scope", "reproduce_localization_heads"]
