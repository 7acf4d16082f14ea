"""Scenes as ReasonSeg has its samples: a photograph and a JSON of texts and polygons each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import rectangles, said_of, scenes_of
from vlmscope.io import atomic_path, write_json
from vlmscope.tiny import Scene, SceneObject

__all__ = ["write_reasonseg"]

SPLITS = ("train", "val", "test")


def write_reasonseg(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``train/``, ``val/`` and ``test/``; what each holds."""
    counts = {}
    for split in SPLITS:
        written = 0
        for scene in scenes_of(split, images):
            written += _write(folder / split, scene, whole=written % 2 == 0)
        counts[split] = Counts(written, written, written)
    return counts


def _write(folder: Path, scene: Scene, whole: bool) -> int:
    """One sample of the scene's first object that a phrase tells apart; how many were written."""
    groups = said_of(scene)
    if not groups:
        return 0
    [index] = groups[0].objects
    text = groups[0].texts[0]
    shapes = _shapes(scene.objects[index], "target")
    others = [item for place, item in enumerate(scene.objects) if place != index]
    if len(others) > 1:
        shapes += _shapes(others[0], "ignore")
        shapes.append({"label": "flag", "points": [[0, 0], [3, 0], [3, 3]]})
    with atomic_path(folder / f"{scene.seed}.jpg") as place:
        Image.fromarray(scene.image).save(place, "JPEG", quality=95, subsampling=0)
    texts = [f"Which part of the picture is {text}?" if whole else text, "a second text, not read"]
    row = {"text": texts, "is_sentence": whole, "shapes": shapes}
    write_json(folder / f"{scene.seed}.json", row)
    return 1


def _shapes(item: SceneObject, label: str) -> list[dict[str, Any]]:
    """An object as rectangles, whose border is drawn with them: their far corners are inside."""
    return [
        {"label": label, "points": [[a, b], [c - 1, b], [c - 1, d - 1], [a, d - 1]]}
        for a, b, c, d in rectangles(item.mask)
    ]
