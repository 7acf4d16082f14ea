"""Scenes as ScreenSpot-v2 has its screens: a JSON list per platform, and a folder of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import said_of, scenes_of
from vlmscope.io import atomic_path, write_json
from vlmscope.tiny import Scene

__all__ = ["SCENES_OF_PLATFORMS", "write_screenspot"]

SCENES_OF_PLATFORMS: Mapping[str, str] = MappingProxyType(
    {"desktop": "val", "mobile": "testA", "web": "testB"}
)
"""Platform -> the split whose scenes it shows; no two platforms share one."""

_SOURCES = {"desktop": "windows", "mobile": "android", "web": "shop"}


def write_screenspot(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``screenspot_desktop_v2.json``, mobile and web and their pictures; what each holds."""
    counts = {}
    for platform, split in SCENES_OF_PLATFORMS.items():
        rows = []
        for number, scene in enumerate(scenes_of(split, images)):
            name = f"{platform}_{number:04d}.png"
            with atomic_path(folder / "screenspotv2_image" / name) as place:
                Image.fromarray(scene.image).save(place, "PNG")
            rows += _rows(scene, name, _SOURCES[platform])
        write_json(folder / f"screenspot_{platform}_v2.json", rows)
        used = {row["img_filename"] for row in rows}
        counts[platform] = Counts(len(used), len(rows), len(rows))
    whole = Counts(*(sum(numbers) for numbers in zip(*counts.values(), strict=True)))
    return {"all": whole, **counts}


def _rows(scene: Scene, name: str, source: str) -> list[dict[str, Any]]:
    """One row for each object that a phrase tells apart; those with a pattern stand for text."""
    rows = []
    for said in said_of(scene):
        item = scene.objects[said.objects[0]]
        x0, y0, x1, y1 = (int(side) for side in item.box)
        rows.append(
            {
                "img_filename": name,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "instruction": f"press {said.texts[0]}",
                "data_type": "icon" if item.texture == "solid" else "text",
                "data_source": source,
            }
        )
    return rows
