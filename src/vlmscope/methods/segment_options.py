"""What ``segment`` is given, checked before a model runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vlmscope.data.classes import ClassList
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.methods.base import check_accepts, with_proxy
from vlmscope.methods.catalogue import METHODS, default_dense, default_method, get_method
from vlmscope.methods.encoder.defaults import default_background_words
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.presence_rules import PRESENCE_RULES
from vlmscope.methods.encoder.protocols import SegmentationProtocol, background_of
from vlmscope.methods.encoder.similarity import DenseSetup
from vlmscope.methods.encoder.sliding import SlidingWindows
from vlmscope.methods.encoder.texts import alike_caution, read_alike, unknown_caution
from vlmscope.methods.encoder.window import WindowPlan
from vlmscope.models import DualEncoder, PatchTower
from vlmscope.models.encoders.patches import grid_size
from vlmscope.options import check_word

__all__ = [
    "GROUND_ONLY",
    "STANDALONE_ONLY",
    "Window",
    "allowed",
    "check_classes",
    "check_cosine",
    "check_grid",
    "check_presence",
    "chosen_method",
    "dense_method",
    "ruled_background",
    "text_cautions",
    "windowed",
    "with_background_words",
]

GROUND_ONLY = ("keep", "surface")
"""Options of a dense method that mean nothing where every pixel gets a label."""

STANDALONE_ONLY = ("threshold", "share")
"""Options that need ``compete=False``."""

Window = int | tuple[int, int]


def chosen_method(model: DualEncoder, name: str | None, proxy: PatchTower | None) -> DenseMethod:
    """The dense method that was named, with its second tower; without a name the model's default.

    Raises:
        UnknownNameError, UnsupportedError, BadOptionError: as :func:`dense_method`; UnsupportedError, too,
            for a method that does not run on the model.
    """
    if name is None and proxy is None:
        method, _ = default_method(model)
        if isinstance(method, DenseMethod):
            return method
        name = default_dense(model.family.id).id  # it says why it does not run on the model
    named = dense_method("proxyclip" if name is None else name, proxy)
    check_accepts(named, model)
    return named


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


def check_presence(rule: Any, least_presence: float | None) -> None:
    """Raise for a rule that there is none of, or a limit that no class can reach by it.

    Raises:
        UnknownNameError: another rule.
        BadOptionError: a least presence above 0 by ``rivals``.
    """
    check_word("presence_rule", rule, PRESENCE_RULES)
    if rule == "rivals" and least_presence is not None and least_presence > 0:
        raise BadOptionError(
            f"By the rule 'rivals' presence is never above 0, so least_presence={least_presence:g} would "
            "leave out every class. Read a limit off Segmentation.presence, or take "
            "presence_rule='mean' (--presence-rule mean)."
        )


def with_background_words(
    wanted: bool | None,
    model: DualEncoder,
    classes: ClassList,
    compete: bool,
    protocol: SegmentationProtocol,
    limited: bool,
) -> bool:
    """Whether background words compete with the classes.

    Args:
        wanted: what was said of it; None: nothing.
        limited: whether a number says which pixels are background.

    Raises:
        BadOptionError: they are wanted where nothing competes, or where a protocol or a class of
            the name says what is background.
    """
    own = background_of(classes.names) is not None
    if wanted is None:
        said = own or protocol.fixed or limited
        return compete and not said and default_background_words(model)
    if wanted and (not compete or protocol.fixed or own):
        clash = "a class 'background'" if own else f"the protocol {protocol.name}"
        raise BadOptionError(
            "background_words compete with the classes for every pixel, and here "
            f"{clash + ' says what is background' if compete else 'nothing competes'}. "
            "Leave the one or the other out."
        )
    return wanted


def ruled_background(protocol: SegmentationProtocol, classes: ClassList) -> float | None:
    """The least probability of a pixel that is no background, where the classes have one.

    Raises:
        BadOptionError: one class alone is left when the background is none of the rivals.
    """
    if background_of(classes.names) is None:
        return None
    if protocol.foreground_only and len(classes) < 3:
        raise BadOptionError(
            f"The protocol {protocol.name} compares classes without their background, so it needs two "
            f"or more besides it; got {', '.join(classes.names)}. Add a class."
        )
    return protocol.background


def check_grid(setup: DenseSetup, protocol: SegmentationProtocol) -> None:
    """Sizes that no image could be put on are refused before the first."""
    patch = setup.encoder.patch
    if protocol.window:
        SlidingWindows.over((1, 1), patch, protocol.side, protocol.window, protocol.stride)
        return
    grid = grid_size((1, 1), patch, setup.side, setup.options.keep_ratio)
    WindowPlan.over(grid, patch, setup.options.window, setup.options.stride)
