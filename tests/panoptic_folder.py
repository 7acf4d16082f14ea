"""A COCO-panoptic folder made in a few lines, to be read or spoiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CATEGORIES = {1: "cat", 6: "bus", 24: "zebra", 119: "sky-other-merged", 199: "wall-brick"}
COLOURS = {1: (200, 60, 40), 6: (40, 60, 200), 24: (240, 240, 230), 119: (90, 160, 220)}

Region = tuple[int, int, tuple[int, int, int, int]]
"""(segment id, category id, (x0, y0, x1, y1)); later ones lie on top."""


class PanopticFolder:
    """Collects images; ``write`` puts the listing beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.content: dict[str, Any] = {
            "categories": [{"id": n, "name": name} for n, name in CATEGORIES.items()],
            "images": [],
            "annotations": [],
        }
        (root / "images").mkdir(parents=True)
        (root / "panoptic").mkdir()

    def add(self, number: int, regions: list[Region], size: tuple[int, int] = (48, 64)) -> None:
        """One image, (height, width), with its regions painted in the colours of their categories."""
        rng = np.random.default_rng(number)
        picture = rng.integers(0, 80, (*size, 3)).astype(np.uint8)
        ids = np.zeros(size, dtype=np.int64)
        for segment, category, (x0, y0, x1, y1) in regions:
            ids[y0:y1, x0:x1] = segment
            picture[y0:y1, x0:x1] = COLOURS.get(category, (120, 120, 120))
        name = f"{number:012d}"
        Image.fromarray(picture).save(self.root / "images" / f"{name}.png")
        write_ids(self.png(number), ids)
        self.content["images"].append(
            {"id": number, "file_name": f"{name}.png", "height": size[0], "width": size[1]}
        )
        segments = [{"id": segment, "category_id": kind} for segment, kind, _ in regions]
        self.content["annotations"].append(
            {"image_id": number, "file_name": f"{name}.png", "segments_info": segments}
        )

    def png(self, number: int) -> Path:
        """The panoptic picture of an image."""
        return self.root / "panoptic" / f"{number:012d}.png"

    def image(self, number: int) -> Path:
        """The photograph of an image."""
        return self.root / "images" / f"{number:012d}.png"

    def write(self) -> Path:
        """Write the listing; the folder."""
        (self.root / "panoptic.json").write_text(json.dumps(self.content))
        return self.root


def write_ids(path: Path, ids: np.ndarray[Any, Any]) -> None:
    """Segment ids as colours, R + 256 G + 65536 B."""
    colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1)
    Image.fromarray(colours.astype(np.uint8)).save(path)


def small_folder(root: Path) -> PanopticFolder:
    """Five images: two cats in one, a bus too small to be a target, one without any class."""
    folder = PanopticFolder(root)
    folder.add(7, [(70_000, 1, (0, 0, 20, 24)), (300, 1, (40, 24, 60, 48))])
    folder.add(9, [(5, 119, (0, 0, 64, 16)), (66_051, 6, (8, 20, 40, 44))])
    folder.add(12, [(1, 6, (0, 0, 5, 5)), (2, 24, (20, 10, 60, 40))])
    folder.add(13, [(8, 199, (0, 0, 64, 24))], size=(40, 64))
    folder.add(21, [(3, 24, (0, 10, 30, 40)), (4, 119, (30, 0, 60, 20))], size=(64, 60))
    return folder
