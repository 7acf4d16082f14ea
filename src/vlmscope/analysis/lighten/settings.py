"""The ways of leaving image tokens out that a sweep tries, its controls among them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vlmscope.analysis.lighten.options import LightenOptions
from vlmscope.attention import WAYS, knockout, lighten
from vlmscope.attention.lightening.lighten import check_share
from vlmscope.errors import BadOptionError
from vlmscope.models import LoadedModel
from vlmscope.options import check_number

__all__ = ["NEVER", "READ", "Setting", "named_windows", "settings_of"]

READ = "read"
"""``by`` of a setting in which text reads the image in a window of layers."""

NEVER = "never"
"""``by`` of the control in which text reads nothing of the image, in any layer."""

_EVERY = "all"
_WINDOW = re.compile(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*")
_TO_TEXT = [("image", "text"), ("image", "generated")]


@dataclass(frozen=True)
class Setting:
    """One way of leaving tokens out.

    Attributes:
        layer: the last that holds all image tokens; -1 where text reads none of them.
        keep: share of them that later layers hold.
        by: which stay, of ``WAYS``; or :data:`READ`; or :data:`NEVER`.
        first: of a window, the first layer in which text reads the image; else None.
    """

    layer: int
    keep: float
    by: str
    first: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; what has no window says nothing of one."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @contextlib.contextmanager
    def applied(self, model: LoadedModel, seed: int = 0) -> Iterator[Any]:
        """Passes inside the block are made this way; yields what vs.lighten yields, or None."""
        if self.by == NEVER:
            with knockout(model, _TO_TEXT):
                yield None
        elif self.first is not None:
            with lighten(model, read=(self.first, self.layer)) as thin:
                yield thin
        else:
            with lighten(model, self.layer, self.keep, self.by, seed) as thin:
                yield thin


def settings_of(model: LoadedModel, options: LightenOptions) -> list[Setting]:
    """What is tried, controls included; every one of them is known to be possible.

    Raises:
        BadOptionError: a layer, share or window that does not exist; none at all.
        UnsupportedError: a family whose image is not in the sequence, or enters behind a layer.
    """
    settings = _windows(model, options.read) if options.read.strip() else _shares(model, options)
    for place in {(each.first, each.layer): each for each in settings}.values():
        with place.applied(model):
            pass  # what cannot be is no question's fault
    return settings


def _shares(model: LoadedModel, options: LightenOptions) -> list[Setting]:
    last = len(model.layers) - 1
    named = _numbers("layers", options.layers, int)
    layers = named or list(range(model.family.image_enters_until(model.hf), last))
    for layer in layers:
        check_number("layers", layer, at_least=0, at_most=last, whole=True)
    shares = [check_share(share) for share in _numbers("shares", options.shares, float)]
    if not layers or not shares:
        raise BadOptionError("A sweep of lighter passes needs at least one layer and one share.")
    return [Setting(layer, keep, by) for layer in layers for keep in shares for by in WAYS]


def _numbers(name: str, text: str, kind: type) -> list[Any]:
    try:
        return list(dict.fromkeys(kind(part) for part in text.split(",") if part.strip()))
    except ValueError as error:
        raise BadOptionError(
            f"The option {name} takes numbers with commas between them, got {text!r}."
        ) from error


def _windows(model: LoadedModel, text: str) -> list[Setting]:
    """Named windows; as many layers elsewhere; the same ends from the first layer on; none."""
    last = len(model.layers) - 1
    named = named_windows(text, last + 1, model.family.image_enters_until(model.hf))
    windows = dict.fromkeys(named)
    for first, end in named:
        check_number("read", first, at_least=0, at_most=last, whole=True)
        check_number("read", end, at_least=0, at_most=last, whole=True)
        if end < first:
            raise BadOptionError(
                f"The option read takes windows FROM-TO, the first layer first, got {first}-{end}."
            )
        windows[0, end] = None
    enters = model.family.image_enters_until(model.hf)
    for width in sorted({end - first for first, end in named}):
        for first in range(last + 1 - width):
            if first + width >= enters:
                windows[first, first + width] = None
    controls = [Setting(-1, 0.0, NEVER)]
    return [Setting(end, 0.0, READ, first) for first, end in windows] + controls


def named_windows(text: str, layers: int, enters: int = 0) -> list[tuple[int, int]]:
    """The windows (first, last) that the option ``read`` names, each once.

    Args:
        text: of the option.
        layers: of the decoder.
        enters: the layer behind which no more of the image enters; windows of ``all`` end there or later.

    Raises:
        BadOptionError: anything but windows with commas between them, or ``all``.
    """
    if text.strip() == _EVERY:
        return [(first, end) for end in range(enters, layers) for first in range(end + 1)]
    matches = [_WINDOW.fullmatch(part) for part in text.split(",") if part.strip()]
    if not matches or None in matches:
        raise BadOptionError(
            f"The option read takes windows of layers FROM-TO with commas between them, or all, got {text!r}."
        )
    ends = [(int(each[1]), int(each[2] or each[1])) for each in matches if each]
    return list(dict.fromkeys(ends))
