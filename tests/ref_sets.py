"""Sets of referring expressions as people have them, small, to be read or spoiled."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from vlmscope.data.datasets.counts import MANIFEST

__all__ = [
    "as_jxu124",
    "as_lmms",
    "change_json",
    "change_refs",
    "grounding_me",
    "picture_bytes",
    "ref_l4",
    "unpublished",
    "write_parquet",
]


def unpublished(root: Path) -> Path:
    """Take the manifest away: the folder then passes for the real set."""
    (root / MANIFEST).unlink()
    return root


def write_parquet(path: Path, rows: Sequence[dict[str, Any]], group: int = 4) -> Path:
    """Rows as a Parquet file, a few in a row group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=group)
    return path


def change_json(path: Path, change: Callable[[Any], Any]) -> None:
    """Change what a JSON file says, in place."""
    content = json.loads(path.read_text())
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed))


def change_refs(root: Path, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Change the refs of a rendered RefCOCO, in place."""
    path = root / "refs(unc).p"
    refs = pickle.loads(path.read_bytes())  # noqa: S301
    changed = change(refs)
    path.write_bytes(pickle.dumps(refs if changed is None else changed, protocol=2))


def as_jxu124(root: Path, out: Path, form: str = "xyxy", split: str = "val") -> Path:
    """A split of a rendered RefCOCO as Parquet without images; its photographs come along."""
    rows = []
    for ref, annotation, image in _refs(root, split):
        x, y, width, height = annotation["bbox"]
        box = [x, y, x + width, y + height] if form == "xyxy" else [x, y, width, height]
        rows.append(
            {
                "ref_id": ref["ref_id"],
                "image_id": ref["image_id"],
                "split": split,
                "sentences": ref["sentences"],
                "bbox": [float(side) for side in box],
                "raw_anns": json.dumps(annotation),
                "raw_image_info": json.dumps(image),
            }
        )
    name = {"val": "validation", "testA": "test"}.get(split, split)
    write_parquet(out / "data" / f"{name}-00000-of-00001.parquet", rows)
    (out / "train2014").symlink_to((root / "train2014").resolve())
    return out


def as_lmms(root: Path, out: Path, split: str = "val") -> Path:
    """A split of a rendered RefCOCO as Parquet with its images inside."""
    rows = []
    for ref, annotation, image in _refs(root, split):
        x, y, width, height = annotation["bbox"]
        rows.append(
            {
                "question_id": str(ref["ref_id"]),
                "image": {"bytes": (root / "train2014" / image["file_name"]).read_bytes()},
                "answer": [each["sent"] for each in ref["sentences"]],
                "segmentation": [x, y, x + width, y, x + width, y + height, x, y + height],
                "bbox": annotation["bbox"],
                "file_name": ref["file_name"],
            }
        )
    write_parquet(out / "data" / f"{split}-00000-of-00001.parquet", rows)
    return out


def _refs(root: Path, split: str) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    content = json.loads((root / "instances.json").read_text())
    annotations = {row["id"]: row for row in content["annotations"]}
    images = {row["id"]: row for row in content["images"]}
    refs = pickle.loads((root / "refs(unc).p").read_bytes())  # noqa: S301
    return [
        (ref, annotations[ref["ann_id"]], images[ref["image_id"]])
        for ref in refs
        if ref["split"] == split
    ]


def picture_bytes(height: int = 40, width: int = 60, seed: int = 0) -> bytes:
    """A PNG of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def grounding_me(root: Path, boxes: Sequence[list[float]]) -> Path:
    """GroundingME with one row per box; [0, 0, 0, 0] is a rejection."""
    rows = [
        {
            "id": f"g{number}",
            "image": {"bytes": picture_bytes(seed=number), "path": None},
            "description": f"thing {number}",
            "bbox": box,
            "subtask_l1": "Rejection" if box == [0.0] * 4 else "Spatial",
            "subtask_l2": "Counting",
            "height": 40,
            "width": 60,
        }
        for number, box in enumerate(boxes)
    ]
    write_parquet(root / "data" / "test-00000-of-00001.parquet", rows)
    return root


def ref_l4(root: Path, boxes: Sequence[list[float]]) -> Path:
    """Ref-L4 with the boxes (xywh) in val, two to an image, and one more row in test."""
    rows = []
    for number, box in enumerate(boxes):
        name = f"coco/{number // 2}.png"
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture_bytes(seed=number // 2))
        rows.append(
            {
                "id": number,
                "caption": f"the long description of thing {number}",
                "bbox": box,
                "ori_category_id": f"o365_{number}",
                "file_name": name,
                "height": 40,
                "width": 60,
            }
        )
    write_parquet(root / "ref-l4-val.parquet", rows)
    write_parquet(root / "ref-l4-test.parquet", [{**rows[0], "id": len(rows)}])
    return root
