"""What every position of an encoded prompt is, and the pixels of its image tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.prompts.encoding import EncodedText
from vlmscope.types import Carry, TokenMap, View

__all__ = ["token_map"]


def token_map(
    text: EncodedText,
    images: Sequence[ImageInputs],
    sizes: Sequence[tuple[int, ...]],
    shift: int = 0,
    length: int | None = None,
    crossed: bool = False,
) -> TokenMap:
    """Roles and geometry of one encoded prompt, ``shift`` positions into a padded sequence.

    Args:
        text: the prompt.
        images: those it holds, in order.
        sizes: (height, width) of their originals; of a clip one for each step in time.
        shift: padding in front.
        length: of the padded sequence; None: nothing follows.
        crossed: the image is read by cross-attention.
    """
    total = len(text.ids) + shift if length is None else length
    before, after = shift, total - shift - len(text.ids)
    first, *more = [(int(height), int(width)) for height, width in sizes]
    return TokenMap(
        roles=np.pad(text.roles, (before, after)),  # 0 is Role.PAD
        tokens=("",) * before + text.tokens + ("",) * after,
        image_size=first,
        views=tuple(_views(text, images, shift, crossed)),
        placement=images[0].placement,
        notes=text.notes,
        more_sizes=tuple(more),
        carries=tuple(_carries(text, images, shift)),
        crossed=crossed,
        picture_notes=tuple(dict.fromkeys(note for image in images for note in image.notes)),
    )


def _views(
    text: EncodedText, images: Sequence[ImageInputs], shift: int, crossed: bool
) -> Iterator[View]:
    start = number = 0
    for image in images:
        positions = text.image_tokens[start : start + image.expansion.tokens] + shift
        for layout in image.layouts:
            if image.shares is not None:
                covered = np.zeros(0, dtype=np.int64)
            else:
                covered = layout.offsets if crossed else positions[layout.offsets]
            yield View(
                layout.name,
                covered,
                layout.y_edges,
                layout.x_edges,
                number + layout.picture,
                layout.frames,
            )
        start += image.expansion.tokens
        number += image.pictures


def _carries(text: EncodedText, images: Sequence[ImageInputs], shift: int) -> Iterator[Carry]:
    start = 0
    for number, image in enumerate(images):
        end = start + image.expansion.tokens
        if image.shares is not None:
            yield Carry(text.image_tokens[start:end] + shift, image.shares, number)
        start = end
