"""Image tokens leave the sequence behind a layer, or are read in a window of layers only.

Unlike a knock-out, which blocks edges and computes everything, what has left is not computed and not
cached any more (docs/methods/lighten.md).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Blocker
from vlmscope.attention.knockout import Knockout
from vlmscope.attention.lightening.thinner import WAYS, Thinner
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.options import check_number, check_word

__all__ = ["WAYS", "Thinner", "lighten"]


@contextlib.contextmanager
def lighten(
    model: LoadedModel,
    drop_image_after: int | None = None,
    keep: float = 0.25,
    by: str = "attention",
    seed: int = 0,
    *,
    read: Sequence[int] | None = None,
) -> Iterator[Thinner]:
    """Let image tokens leave the sequence in every pass inside the block.

    Tokens that stay keep the positions at which they stood; the caches of later layers hold no others.
    Text never leaves, nor do separators among an image's tokens while any of the image stays. Behind
    the last layer there is nothing to leave out: that is the model as it is, to the bit.

    Captures and knock-outs compose: what left has no row and takes no attention.

    Args:
        model: the model; one prompt to a pass.
        drop_image_after: the last layer that holds every image token.
        keep: share of them that later layers hold, between 0 and 1, rounded up to whole tokens.
        by: of :data:`WAYS`: which stay.
        seed: of ``random``.
        read: (first, last) in place of all that: text reads the image in these layers only, and the
            whole image leaves behind the last of them.

    Yields:
        The thinner, whose ``kept`` and ``dropped`` are the positions of the last prompt.

    Raises:
        BadOptionError: a layer or share out of range; both ways at once, or neither.
        UnknownNameError: an unknown way of choosing.
        UnsupportedError: a family whose image is not in the sequence; an image that still enters
            behind the layer; during a pass, one that cannot be made shorter.
        AttentionError: during a pass, a cache or a prompt whose image tokens are not known.
    """
    check_model(model)
    thinner, blockers = _parts(model, drop_image_after, keep, by, seed, read)
    with instrument(model) as active:
        if active.thinner is not None:
            raise UnsupportedError(
                "One vs.lighten is active on this model already; leave it first."
            )
        active.thinner = thinner
        active.blockers.extend(blockers)
        try:
            with thinner.hooked(model, active):
                yield thinner
        finally:
            active.thinner = None
            for part in blockers:
                active.blockers.remove(part)


def _parts(
    model: LoadedModel, after: int | None, keep: float, by: str, seed: int, read: Any
) -> tuple[Thinner, list[Blocker]]:
    _refuse_crossed(model)
    if (after is None) == (read is None):
        raise BadOptionError(
            "vs.lighten takes either drop_image_after=LAYER or read=(first, last), got "
            f"{'neither' if read is None else 'both'}."
        )
    if read is not None:
        first, last = _window(model, read)
        return Thinner(last, None, "attention", seed), _unread_before(model, first)
    check_word("by", by, WAYS)
    check_number("seed", seed, at_least=0, whole=True)
    return Thinner(_layer(model, "drop_image_after", after), check_share(keep), by, seed), []


def check_share(keep: Any) -> float:
    """The share of image tokens that stay.

    Raises:
        BadOptionError: not a number between 0 and 1.
    """
    number = isinstance(keep, (int, float)) and not isinstance(keep, bool)
    if not number or not math.isfinite(keep) or not 0 < keep < 1:
        raise BadOptionError(
            f"keep is the share of the image tokens that stay, above 0 and below 1, got {keep!r}: to "
            "leave all of them out say read=(0, LAYER); with all of them there is nothing to lighten."
        )
    return float(keep)


def _layer(model: LoadedModel, name: str, layer: Any) -> int:
    check_number(name, layer, at_least=0, at_most=len(model.layers) - 1, whole=True)
    enters = model.family.image_enters_until(model.hf)
    if layer < enters:
        raise UnsupportedError(
            f"In {model.id} the image still enters behind layer {enters}, so its tokens cannot leave "
            f"behind layer {layer}; give {name} {enters} or later."
        )
    return int(layer)


def _window(model: LoadedModel, read: Any) -> tuple[int, int]:
    if isinstance(read, str) or not isinstance(read, Sequence) or len(read) != 2:
        raise BadOptionError(f"read takes two layers, (first, last), got {read!r}.")
    check_number("read", read[0], at_least=0, at_most=len(model.layers) - 1, whole=True)
    last = _layer(model, "read", read[1])
    if last < read[0]:
        raise BadOptionError(f"read takes (first, last) with first <= last, got {tuple(read)!r}.")
    return int(read[0]), last


def _unread_before(model: LoadedModel, first: int) -> list[Blocker]:
    """Text does not read the image in the layers before a window."""
    edges = [("image", "text"), ("image", "generated")]
    return [Knockout(model, edges, range(first), None)] if first else []


def _refuse_crossed(model: LoadedModel) -> None:
    if model.family.crossed:
        raise UnsupportedError(
            f"{model.id} (family {model.family.id!r}) reads the image by cross-attention: it has no "
            "image tokens in its sequence that could leave it. Knock-outs by layer are defined for it."
        )
    if model.family.recurrent:
        raise UnsupportedError(
            f"{model.id} (family {model.family.id!r}) carries a state through its layers without "
            "attention rows, position by position: positions that leave the sequence would be missing in "
            "it, and what they left there before stays. Knock-outs by layer are defined for it."
        )
    if not model.family.layers_stand_alone(model.hf):
        raise UnsupportedError(
            f"{model.id} (family {model.family.id!r}) has layers that take more than the hidden states "
            "below them (keys of an earlier layer, embeddings of the ids): positions cannot leave the "
            "sequence midway. Knock-outs by layer are defined for it."
        )
