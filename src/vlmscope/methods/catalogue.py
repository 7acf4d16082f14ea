"""The one place where methods are registered."""

from __future__ import annotations

from vlmscope.errors import UnsupportedError
from vlmscope.methods.base import Method
from vlmscope.methods.decoder.attend_minus_mean import AttendMinusMean
from vlmscope.methods.decoder.localization_heads import LocalizationHeads
from vlmscope.methods.decoder.mean_attention import MeanAttention
from vlmscope.methods.decoder.relative_attention import RelativeAttention
from vlmscope.methods.encoder.clearclip import ClearClip
from vlmscope.methods.encoder.clip_patches import ClipPatches
from vlmscope.methods.encoder.clip_surgery import ClipSurgery
from vlmscope.methods.encoder.gem import Gem
from vlmscope.methods.encoder.maskclip import MaskClip
from vlmscope.methods.encoder.naclip import NaClip
from vlmscope.methods.encoder.sclip import SClip
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.registry import Registry

__all__ = ["METHODS", "default_method", "get_method", "methods"]

METHODS: Registry[Method] = Registry(
    "method",
    (
        LocalizationHeads(),
        MeanAttention(),
        RelativeAttention(),
        AttendMinusMean(),
        Gem(),
        ClipSurgery(),
        MaskClip(),
        ClearClip(),
        SClip(),
        NaClip(),
        ClipPatches(),
    ),
    where="See: vlmscope methods",
)
"""In the order of preference."""


def methods() -> tuple[Method, ...]:
    """All methods, in the order of preference."""
    return tuple(METHODS)


def get_method(name: str) -> Method:
    """The method of an id.

    Raises:
        UnknownNameError: lists the nearest ids.
    """
    return METHODS.get(name)


def default_method(model: LoadedModel | DualEncoder) -> Method:
    """The first method that can run on a model.

    Raises:
        UnsupportedError: when none can.
    """
    for method in METHODS:
        if method.accepts(model):
            return method
    raise UnsupportedError(f"No method of vlmscope runs on {model.id}. See: vlmscope methods")
