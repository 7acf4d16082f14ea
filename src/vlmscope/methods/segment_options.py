"""What ``segment`` is given, checked before a model runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vlmscope.data.classes import ClassList
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.methods.base import with_proxy
from vlmscope.methods.catalogue import METHODS, get_method
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.texts import alike_caution, read_alike, unknown_caution
from vlmscope.models import DualEncoder, PatchTower

__all__ = [
    "GROUND_ONLY",
    "STANDALONE_ONLY",
    "Window",
    "allowed",
    "check_classes",
    "check_cosine",
    "dense_method",
    "text_cautions",
    "windowed",
]

GROUND_ONLY = ("keep", "surface")
"""Options of a dense method that mean nothing where every pixel gets a label."""

STANDALONE_ONLY = ("threshold", "share")
"""Options that need ``compete=False``."""

Window = int | tuple[int, int]


def dense_method(name: str, proxy: PatchTower | None = None) -> DenseMethod:
    """The dense method of an id, with the second tower that was given.

    Raises:
        UnknownNameError: no such method.
        UnsupportedError: one that yields no scores per patch.
        BadOptionError: a tower for a method that has no use for one.
    """
    method = with_proxy(get_method(name), proxy)
    if isinstance(method, DenseMethod):
        return method
    dense = [each.id for each in METHODS if isinstance(each, DenseMethod)]
    raise UnsupportedError(
        f"The method {name!r} gives one region per phrase, no scores per patch. "
        f"For segmentation take one of: {', '.join(dense)}."
    )


def check_classes(
    classes: ClassList, compete: bool, background: float | None, logit_scale: float | None
) -> None:
    """Raise BadOptionError for classes and numbers that do not go together."""
    if len(classes) < 2 and compete:
        raise BadOptionError(
            f"One class alone ({classes.names[0]!r}) would take every pixel. Add classes it is told "
            "from (for example: background), or use compete=False (--no-compete) to light it by a "
            "threshold of its own."
        )
    if background is not None and not (compete and _number(background) and 0 < background < 1):
        raise BadOptionError(
            "background is a softmax probability between 0 and 1 that a pixel's best class must "
            f"reach, for classes that compete; got {background!r} with compete={compete}."
        )
    if logit_scale is not None and not (_number(logit_scale) and 0 < logit_scale < math.inf):
        raise BadOptionError(f"logit_scale is a number above 0, got {logit_scale!r}.")


def check_cosine(name: str, value: Any, compete: bool = True) -> None:
    """Raise BadOptionError for what is no cosine similarity; None is fine."""
    if value is not None and not (compete and _number(value) and -1 <= value <= 1):
        among = "" if compete else ", and needs classes that compete"
        raise BadOptionError(
            f"{name} is compared with cosine similarities, so it lies in -1..1{among}; got {value!r}."
        )


def allowed(options: Mapping[str, Any], compete: bool) -> dict[str, Any]:
    """The options, unless one of them would be ignored."""
    for name in GROUND_ONLY:
        if name in options:
            raise BadOptionError(
                f"The option {name!r} is about one region per phrase; segment gives every pixel a "
                "label. Leave it out, or use ground."
            )
    for name in STANDALONE_ONLY:
        if name in options and compete:
            raise BadOptionError(
                f"The option {name!r} is for classes that do not compete. Leave it out, or add "
                "compete=False (--no-compete)."
            )
    return dict(options)


def windowed(window: Window | None) -> dict[str, Any]:
    """The options that a window stands for.

    Raises:
        BadOptionError: something of another form.
    """
    if window is None:
        return {}
    if isinstance(window, int):
        return {"window": window}
    if isinstance(window, tuple | list) and len(window) == 2:
        return {"window": window[0], "stride": window[1]}
    raise BadOptionError(f"window is a side in pixels or (side, stride), got {window!r}.")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_cautions(model: DualEncoder, classes: ClassList, text: Tensor) -> tuple[str, ...]:
    """Words that the model does not know, and classes that it reads alike."""
    alike = [
        alike_caution(model, [classes.names[i] for i in group], "the first takes all their pixels")
        for group in read_alike(text, classes.owners)
    ]
    return (*unknown_caution(model, classes.texts), *alike)
