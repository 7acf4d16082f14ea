"""What each image patch shows: the labels of the vision stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.tiny.scenes import Scene
from vlmscope.tiny.words import ATTRIBUTES, PATTERNS, TONES

__all__ = ["IGNORED", "MOST_OBJECTS", "label_scene"]

MOST_OBJECTS = 5
IGNORED = 255
"""Owner of a patch that an outline cuts so that neither label would be right."""

_MINE, _NOBODY = 0.3, 0.05  # share of a patch that an object covers

Labels = tuple[NDArray[np.uint8], NDArray[np.int16], NDArray[np.uint8]]


def label_scene(scene: Scene, patch: int) -> Labels:
    """Owners, objects and background of a scene, as ``corpus.Corpus`` describes them."""
    return (
        _owners(scene, patch),
        _objects(scene),
        np.asarray([PATTERNS.index(scene.pattern), TONES.index(scene.tone)], dtype=np.uint8),
    )


def _owners(scene: Scene, patch: int) -> NDArray[np.uint8]:
    height, width = scene.size
    masks = np.stack([item.mask for item in scene.objects])
    cells = masks.reshape(len(masks), height // patch, patch, width // patch, patch)
    shares = cells.mean(axis=(2, 4)).reshape(len(masks), -1)
    best = shares.max(axis=0)
    owners = np.where(best >= _MINE, shares.argmax(axis=0) + 1, IGNORED)
    return np.where(best <= _NOBODY, 0, owners).astype(np.uint8)


def _objects(scene: Scene) -> NDArray[np.int16]:
    table = np.full((MOST_OBJECTS, 7), -1, dtype=np.int16)
    for row, item in zip(table, scene.objects, strict=False):
        words = [values.index(getattr(item, name)) for name, values in ATTRIBUTES.items()]
        row[:] = [*words, round(item.center[0]), round(item.center[1]), round(item.radius)]
    return table
