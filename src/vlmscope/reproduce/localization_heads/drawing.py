"""Which images and sentences are drawn: by a stated rule, the same for every run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.referring import ReferringSet
from vlmscope.data.images import OpenedImage
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.types import Box

__all__ = ["RULE", "Drawn", "DrawnSamples", "drawn_images"]

RULE = (
    "images in the order of the SHA-256 of seed and image id; of each its sentences in the order of "
    "the listing, as many as are needed to come to the number wanted, the same number of each image"
)
"""How images and sentences are drawn, in words."""


def drawn_images(image_ids: Sequence[str], count: int, seed: int) -> list[str]:
    """So many images by :data:`RULE`; all where there are no more."""

    def rank(image_id: str) -> bytes:
        return hashlib.sha256(f"{seed} {image_id}".encode()).digest()

    return sorted(image_ids, key=rank)[:count]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One sample, as discovery and verification take it.

    Attributes:
        image: upright.
        phrase: the sentence.
        box, mask: of what it means, xyxy pixels and bool (height, width).
        place: for messages.
    """

    image: OpenedImage
    phrase: str
    box: Box
    mask: NDArray[np.bool_] | None
    place: str


@dataclass(eq=False)
class DrawnSamples:
    """Samples of a split, read image by image whenever they are gone through.

    Attributes:
        data: the split.
        images: ids of the images, in order.
        per_image: how many sentences of each.
        turn: called with the index of an image before it is read.
        skipped: what could not be read when they were last gone through.
    """

    data: ReferringSet
    images: Sequence[str]
    per_image: int
    turn: Callable[[int], None] = field(default=lambda _: None)
    skipped: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, data: ReferringSet, image_ids: Sequence[str], count: int, seed: int
    ) -> DrawnSamples:
        """About ``count`` samples of some images, by :data:`RULE`."""
        images = drawn_images(image_ids, count, seed)
        return cls(data, images, -(-count // len(images)) if images else 0)

    def __len__(self) -> int:
        """How many samples; fewer where images cannot be read."""
        return sum(min(self.per_image, self.data.sentences([each])) for each in self.images)

    def __iter__(self) -> Iterator[Drawn]:
        self.skipped.clear()
        for index, image_id in enumerate(self.images):
            self.turn(index)
            try:
                sample = self.data.load(image_id)
            except (BadImageError, BadSampleError) as error:
                self.skipped.append(f"{image_id}: {error}")
                continue
            for each in sample.referents[: self.per_image]:
                target, place = each.target, f"image {image_id}"
                yield Drawn(sample.image, each.label, target.box, target.mask, place)
