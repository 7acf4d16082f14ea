"""Copies of a picture are near to each other in their hashes, and other pictures are not."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vlmscope.labels.picture_hash import picture_hash


def _picture(seed: int, height: int = 96, width: int = 160) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def _apart(one: int, two: int) -> int:
    return (one ^ two).bit_count()


def test_bits_are_places_brighter_than_their_left_neighbour() -> None:
    ramp = np.repeat(np.arange(9, dtype=np.uint8)[None, :, None] * 20, 8, axis=0).repeat(3, axis=2)
    assert picture_hash(ramp) == 2**64 - 1
    assert picture_hash(ramp[:, ::-1].copy()) == 0
    ramp[0, 0] = 255  # its first place is no longer brighter than what is left of it
    assert picture_hash(ramp) == 2**63 - 1


def test_near_duplicates_differ_in_few_bits() -> None:
    picture = _picture(1)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=60)
    saved = np.asarray(Image.open(stream).convert("RGB"))
    small = np.asarray(Image.fromarray(picture).resize((80, 48)))
    assert _apart(picture_hash(picture), picture_hash(saved)) <= 4
    assert _apart(picture_hash(picture), picture_hash(small)) <= 4


def test_other_pictures_differ_in_many() -> None:
    hashes = [picture_hash(_picture(seed)) for seed in range(8)]
    apart = [_apart(one, two) for i, one in enumerate(hashes) for two in hashes[:i]]
    assert min(apart) > 12


def test_one_pixel_is_a_picture() -> None:
    assert picture_hash(np.zeros((1, 1, 3), np.uint8)) == 0
