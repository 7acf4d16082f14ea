"""Localization heads (Kang et al., CVPR 2025): found without labels, verified, chosen, calibrated."""

from vlmscope.heads.calibrate import Setting, calibrate_post
from vlmscope.heads.choice import published_for, published_names, published_set, resolve_heads
from vlmscope.heads.discover import discover_heads
from vlmscope.heads.options import DiscoveryOptions, LocalizationHeadsOptions
from vlmscope.heads.verify import verify_heads

__all__ = [
    "DiscoveryOptions",
    "LocalizationHeadsOptions",
    "Setting",
    "calibrate_post",
    "discover_heads",
    "published_for",
    "published_names",
    "published_set",
    "resolve_heads",
    "verify_heads",
]
