"""A finite amount on the attention logits of chosen heads to chosen image tokens.

Unlike a knock-out, which takes keys away, it leaves every key to every row: a token at ``strength`` s
gets exp(s) times the odds against each token that is not chosen (docs/methods/steer.md).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Forward
from vlmscope.attention.knockout import role_positions
from vlmscope.attention.selection import HeadChoice
from vlmscope.errors import (
    AttentionError,
    BadOptionError,
    BadSampleError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.metrics.boxes import checked_box
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.post.coverage import box_coverage, mask_coverage
from vlmscope.types import Box, HeadSet, TokenMap

__all__ = ["STEERED_ROWS", "Steering", "Towards", "check_strength", "steer"]

STEERED_ROWS = ("query", "phrase", "last", "generated")
"""Rows whose attention can be drawn: those that come behind an image."""

Towards = Box | NDArray[Any]
"""A box (xyxy, pixels of the original image), or a bool mask (height, width) of it."""

_MOST = 1000.0  # exp of it is past every dtype: what is meant is a mask


@contextlib.contextmanager
def steer(
    model: LoadedModel,
    heads: HeadSet | Iterable[tuple[int, int]],
    towards: Towards,
    strength: float = 4.0,
    *,
    rows: Sequence[str] = ("query", "generated"),
    image: int = 0,
) -> Iterator[None]:
    """Draw chosen heads to a part of the image in every pass inside the block.

    The logit of each image token grows by ``strength`` times the share of its visible area that lies
    in the part, before the softmax; below 0 the heads are kept away from it. At 0 it is the model as it
    is, to the bit. Captures and knock-outs compose: a capture shows the rows as they are drawn.

    Args:
        model: the model.
        heads: a set, or (layer, head) pairs.
        towards: a box (x0, y0, x1, y1) in pixels of the original image, or bool (height, width) of it.
        strength: added to the logits; finite.
        rows: whose attention: of :data:`STEERED_ROWS`.
        image: of several images of a prompt, which the part is in.

    Raises:
        BadOptionError: a strength that is not finite, an empty box, or a mask without a pixel.
        UnknownNameError: a row that does not exist.
        AttentionError: a head that does not exist, or none; during a pass, a part in which no image
            token lies, a mask of another size, or a pass whose positions are not known.
        UnsupportedError: a head of a layer that never reads the image; during a pass, tokens that stand
            for no place (Q-Former).
    """
    check_model(model)
    parts = _parts(model, heads, towards, strength, rows, image)
    with instrument(model) as active:
        active.blockers.extend(parts)
        try:
            yield
        finally:
            for part in parts:
                active.blockers.remove(part)


def check_strength(strength: Any) -> float:
    """A finite number.

    Raises:
        BadOptionError: it is none.
    """
    number = isinstance(strength, (int, float)) and not isinstance(strength, bool)
    if not number or not math.isfinite(strength) or abs(strength) > _MOST:
        raise BadOptionError(
            f"strength is a finite number that is added to attention logits, from -{_MOST:g} to "
            f"{_MOST:g} (4 is much), got {strength!r}. To take keys away whole use vs.knockout."
        )
    return float(strength)


def _parts(
    model: LoadedModel, heads: Any, towards: Any, strength: Any, rows: Sequence[str], image: int
) -> list[Steering]:
    amount, part = check_strength(strength), _checked_part(towards)
    if isinstance(rows, str):
        rows = (rows,)
    for row in rows:
        if row not in STEERED_ROWS:
            raise UnknownNameError("row", row, STEERED_ROWS)
    pairs = [tuple(each) for each in (heads.heads if isinstance(heads, HeadSet) else heads)]
    if not pairs:
        raise AttentionError("No head was given to steer; give (layer, head) pairs, one at least.")
    choice = HeadChoice.of_model(model, None, pairs)
    _refuse_blind(model, choice)
    if amount == 0:
        return []
    return [
        Steering(layer, numbers, choice.total, part, amount, tuple(rows), image)
        for layer, numbers in choice.by_layer.items()
    ]


def _refuse_blind(model: LoadedModel, choice: HeadChoice) -> None:
    """Where the image is read by cross-attention, other layers hold nothing of it."""
    if not model.family.crossed:
        return
    reading = model.family.cross_layers(model.hf)
    blind = [layer for layer in choice.by_layer if layer not in reading]
    if blind:
        raise UnsupportedError(
            f"Layer {blind[0]} of {model.id} never reads the image: it is read by cross-attention, in "
            f"layers {', '.join(map(str, sorted(reading)))}. Steer heads of these."
        )


def _checked_part(towards: Any) -> Towards:
    if isinstance(towards, np.ndarray) and towards.ndim == 2:
        if not towards.any():
            raise BadOptionError("The mask to steer towards holds no pixel. Give one with some.")
        return towards.astype(bool)
    try:
        return checked_box(towards, "box to steer towards")
    except (TypeError, ValueError) as error:
        said = str(error) if isinstance(error, BadSampleError) else f"got {towards!r}."
        raise BadOptionError(
            f"Steer towards a box (x0, y0, x1, y1) or a bool mask (height, width): {said}"
        ) from error


class Steering:
    """The heads of one layer, and where they are drawn; it stands among what blocks, and blocks nothing.

    Args:
        layer: of the decoder.
        heads: numbers of its heads.
        total: heads that a layer has.
        towards, strength, rows, image: as for :func:`steer`.
    """

    def __init__(
        self,
        layer: int,
        heads: Sequence[int],
        total: int,
        towards: Towards,
        strength: float,
        rows: tuple[str, ...],
        image: int,
    ) -> None:
        self._layer, self._rows, self._image = layer, rows, image
        self._towards, self._strength = towards, strength
        self._chosen = torch.zeros(total, dtype=torch.bool)
        self._chosen[list(heads)] = True
        self._weighed: tuple[TokenMap, Tensor, Tensor] | None = None

    def describe(self) -> str:
        """For error messages."""
        return "steered heads"

    def blocks(self, layer: int) -> bool:
        """Whether it acts in a layer."""
        return layer == self._layer

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Nothing: bool (1, 1, 1, 1)."""
        return torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=device)

    def bias(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Float32 (batch, heads, queries, keys): what the logits grow by."""
        if forward.binding is None:
            raise AttentionError(
                "Steering needs to know which token stands for which pixels. Run the model through "
                "vlmscope.prefill or vlmscope.generate."
            )
        shift = torch.zeros(batch, forward.queries, keys)
        for item in range(batch):
            token_map = forward.binding.of_item(item)
            positions, weights = self._weights(token_map)
            inside = positions - forward.key_start(keys)
            held = (inside >= 0) & (inside < keys)
            rows = self._drawn(token_map, forward)
            shift[item][rows[:, None], inside[held]] = self._strength * weights[held]
        return (shift[:, None] * self._chosen[None, :, None, None]).to(device)

    def _drawn(self, token_map: TokenMap, forward: Forward) -> Tensor:
        """Int (rows,): indices into the queries of this pass."""
        assert forward.binding is not None
        end = forward.past + forward.queries
        every = [role_positions(forward.binding, token_map, row, end) for row in self._rows]
        absolute = torch.cat(every).unique()
        return absolute[(absolute >= forward.past) & (absolute < end)] - forward.past

    def _weights(self, token_map: TokenMap) -> tuple[Tensor, Tensor]:
        """Positions of the image's tokens, and the share of each in the part."""
        if self._weighed is None or self._weighed[0] is not token_map:
            self._weighed = token_map, *_weigh(token_map, self._towards, self._image)
        return self._weighed[1:]


def _weigh(token_map: TokenMap, towards: Towards, image: int) -> tuple[Tensor, Tensor]:
    if token_map.carries:
        raise UnsupportedError(
            "The image tokens of this model come from a Q-Former and stand for no place of their own, so "
            "its heads cannot be drawn to one."
        )
    alone, columns = token_map.of_image(image)
    if isinstance(towards, np.ndarray):
        if towards.shape != alone.image_size:
            raise AttentionError(
                f"The mask to steer towards has {towards.shape[0]} x {towards.shape[1]} pixels (height x "
                f"width) and the image {alone.image_size[0]} x {alone.image_size[1]}. Give one of its size."
            )
        shares = mask_coverage(alone, towards)
    else:
        shares = box_coverage(alone, towards)
    if not (shares > 0).any():
        height, width = alone.image_size
        raise AttentionError(
            f"No image token stands for any of what to steer towards: the image is {width} wide and "
            f"{height} high, and the model sees x0, y0, x1, y1 = {alone.seen} of it. Give a part of that."
        )
    positions = torch.from_numpy(token_map.image_positions[columns])
    return positions, torch.from_numpy(shares).float()
