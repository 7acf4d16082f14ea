"""What is decided where nobody says it, and on which encoders that was measured.

Which method runs is decided in :mod:`vlmscope.methods.catalogue`. Figures: docs/segmentation.md.
"""

from __future__ import annotations

from vlmscope.models import DualEncoder

__all__ = [
    "default_background_words",
    "default_presence_rule",
    "default_side",
    "is_wide_clip",
]

_WIDE = 512
"""Channels of the vision tower: a CLIP ViT-B has 768, the embedded tiny-clip 128."""


_SIDE = 448
"""Of the images that a wide CLIP is shown, in pixels: twice what a B/16 was trained on."""


def is_wide_clip(encoder: DualEncoder) -> bool:
    """Whether an encoder is a CLIP of the size that people use; what follows was measured on one."""
    width = int(encoder.family.vision_config(encoder.hf).hidden_size)
    return encoder.family.id == "clip" and width >= _WIDE


def default_presence_rule(encoder: DualEncoder, compete: bool) -> str:
    """``rivals`` where classes are compared on a wide CLIP; on narrow towers ``mean`` tells more."""
    return "rivals" if compete and is_wide_clip(encoder) else "mean"


def default_background_words(encoder: DualEncoder) -> bool:
    """Whether words of what fills pictures compete: on a wide CLIP that reads words."""
    return is_wide_clip(encoder) and encoder.family.templates


def default_side(encoder: DualEncoder) -> int:
    """Side of the resized image in pixels: the card's, on a wide CLIP 448 at least, else the tower's own."""
    own = encoder.native_side
    return int(encoder.card.side or (max(own, _SIDE) if is_wide_clip(encoder) else own))
