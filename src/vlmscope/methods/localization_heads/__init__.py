"""Localization heads: Kang et al., CVPR 2025 (arXiv 2503.06287)."""

from vlmscope.methods.localization_heads.choice import resolve_heads
from vlmscope.methods.localization_heads.discover import discover_heads
from vlmscope.methods.localization_heads.method import LocalizationHeads
from vlmscope.methods.localization_heads.options import DiscoveryOptions, LocalizationHeadsOptions
from vlmscope.methods.localization_heads.published import (
    published_for,
    published_names,
    published_set,
)

__all__ = [
    "DiscoveryOptions",
    "LocalizationHeads",
    "LocalizationHeadsOptions",
    "discover_heads",
    "published_for",
    "published_names",
    "published_set",
    "resolve_heads",
]
