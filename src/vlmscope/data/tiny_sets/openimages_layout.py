"""Scenes as OpenImages V7 has its point labels: a table of points, descriptions and photographs."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.io import atomic_path, write_text
from vlmscope.tiny import Scene
from vlmscope.tiny.world.words import COLOURS, SHAPES

__all__ = ["write_openimages_points"]

SPLITS = ("val", "train")
_HEAD = (
    *("ImageId", "X", "Y", "Label", "EstimatedYesNo", "Source"),
    *("YesVotes", "NoVotes", "UnsureVotes", "TextLabel"),
)
_POINTS = 6  # of each answer and class


def write_openimages_points(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``oidv7-SPLIT-annotations-point-labels.csv``, descriptions and ``images/``."""
    counts = {}
    for split in SPLITS:
        rows: list[tuple[object, ...]] = []
        pairs = used = 0
        for number, scene in enumerate(scenes_of(split, images)):
            image = f"{split}{number:012x}"
            with atomic_path(folder / "images" / split / f"{image}.jpg") as place:
                Image.fromarray(scene.image).save(place, "JPEG", quality=95)
            labels = {f"{item.colour} {item.shape}" for item in scene.objects}
            for label in sorted(labels):
                rows += _points(scene, image, label)
            pairs, used = pairs + len(labels), used + bool(labels)
        write_text(folder / f"oidv7-{split}-annotations-point-labels.csv", _table(_HEAD, rows))
        counts[split] = Counts(used, pairs, 0)
    names = [(_id(f"{a} {b}"), f"{a} {b}") for a in COLOURS for b in SHAPES]
    write_text(folder / "oidv7-class-descriptions.csv", _table(("LabelName", "DisplayName"), names))
    return counts


def _points(scene: Scene, image: str, label: str) -> Iterator[tuple[object, ...]]:
    """Places on the objects of a class, places beside them, and one that nobody was sure of."""
    rng = random.Random(f"vlmscope-tiny-points:{scene.seed}:{label}")
    height, width = scene.size
    inside: list[tuple[int, int]] = []
    outside: list[tuple[int, int]] = []
    masks = [item.mask for item in scene.objects if f"{item.colour} {item.shape}" == label]
    for y in range(height):
        for x in range(width):
            (inside if any(mask[y, x] for mask in masks) else outside).append((x, y))
    for says, places in (("yes", inside), ("no", outside), ("unsure", outside)):
        for x, y in rng.sample(places, min(len(places), 1 if says == "unsure" else _POINTS)):
            votes = [3 * (says == word) for word in ("yes", "no", "unsure")]
            place = f"{(x + 0.5) / width:.6f}", f"{(y + 0.5) / height:.6f}"
            yield image, *place, _id(label), says, "rendered", *votes, ""


def _id(label: str) -> str:
    return "/m/tiny" + label.replace(" ", "")


def _table(head: tuple[str, ...], rows: object) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()
