"""The one place where methods are registered."""

from __future__ import annotations

from typing import Any

from vlmscope.errors import UnsupportedError
from vlmscope.heads.choice import known_heads
from vlmscope.methods.base import Method
from vlmscope.methods.decoder.attend_minus_mean import AttendMinusMean
from vlmscope.methods.decoder.localization_heads import LocalizationHeads
from vlmscope.methods.decoder.mean_attention import MeanAttention
from vlmscope.methods.decoder.relative_attention import RelativeAttention
from vlmscope.methods.encoder.clearclip import ClearClip
from vlmscope.methods.encoder.clip_patches import ClipPatches
from vlmscope.methods.encoder.clip_surgery import ClipSurgery
from vlmscope.methods.encoder.cls_attention import ClsAttention
from vlmscope.methods.encoder.gem import Gem
from vlmscope.methods.encoder.maskclip import MaskClip
from vlmscope.methods.encoder.naclip import NaClip
from vlmscope.methods.encoder.proxyclip import ProxyClip
from vlmscope.methods.encoder.resclip import ResClip
from vlmscope.methods.encoder.sc_clip import ScClip
from vlmscope.methods.encoder.sclip import SClip
from vlmscope.methods.encoder.self_proxy import SelfProxy
from vlmscope.methods.encoder.ts_cam import TsCam
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.registry import Registry

__all__ = [
    "METHODS",
    "WITHOUT_HEADS",
    "default_dense",
    "default_method",
    "get_method",
    "methods",
]

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
        SelfProxy(),
        ScClip(),
        ResClip(),
        ClsAttention(),
        ProxyClip(),
        ClipPatches(),
        TsCam(),
    ),
    where="See: vlmscope methods",
)
"""Those on decoders in the order of preference; on encoders :func:`default_dense` prefers."""

WITHOUT_HEADS = "mean-attention"
"""The best on a decoder of those that need no heads; figures in docs/methods/index.md."""

# on encoders: the best where methods were measured, and that of all others
_BEST, _BEST_ON, _ELSEWHERE = "sc-clip", ("clip", "vit", "deit"), "gem"


def methods() -> tuple[Method, ...]:
    """All methods, in the order of preference."""
    return tuple(METHODS)


def get_method(name: str) -> Method:
    """The method of an id.

    Raises:
        UnknownNameError: lists the nearest ids.
    """
    return METHODS.get(name)


def default_method(
    model: LoadedModel | DualEncoder, heads: Any = None
) -> tuple[Method, tuple[str, ...]]:
    """The method that runs on a model when none is named, and what to know of that choice.

    On an encoder it is what :func:`default_dense` says, or GEM where the tower has too few blocks for
    that; on a decoder the first that runs, or, where nobody knows its localization heads, the best that
    needs none.

    Args:
        model: the model.
        heads: those that were named; None: none were.

    Raises:
        UnsupportedError: when no method runs on the model.
    """
    if isinstance(model, DualEncoder):
        preferred = default_dense(model.family.id)
        fallback = get_method(_ELSEWHERE)
        chosen = next((each for each in (preferred, fallback) if each.accepts(model)), None)
        if chosen is not None:
            return chosen, ()
    first = next((method for method in METHODS if method.accepts(model)), None)
    if first is None:
        raise UnsupportedError(f"No method of vlmscope runs on {model.id}. See: vlmscope methods")
    if heads is None and isinstance(first, LocalizationHeads) and known_heads(model) is None:
        return get_method(WITHOUT_HEADS), (_no_heads(model),)
    return first, ()


def default_dense(family: str) -> Method:
    """The method that runs on an encoder when none is named.

    SC-CLIP on CLIP and on classifiers, where it was the best of all, on wide towers and on narrow ones.
    GEM on SigLIP and BLIP, where nothing was measured. Figures: docs/segmentation.md (Which method).

    Args:
        family: id of the encoder's family.
    """
    return get_method(_BEST if family in _BEST_ON else _ELSEWHERE)


def _no_heads(model: LoadedModel | DualEncoder) -> str:
    return (
        f"No localization heads are known for {model.id}, so this is {WITHOUT_HEADS}, which needs none. "
        "Heads point better and are found without labels: "
        f"vlmscope heads discover {model.id} --images FOLDER"
    )
