"""gRefCOCO: sentences that mean one object, several, or none (``grefs(unc).json``)."""

from __future__ import annotations

from pathlib import Path

from vlmscope.data.datasets.base import Dataset, DatasetSource, Part
from vlmscope.data.datasets.coco_instances import json_file
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.image_folders import COCO_IMAGES
from vlmscope.data.datasets.referring import ReferringSet
from vlmscope.data.datasets.refs_pickle import pictures_of_refs, refs_of_split
from vlmscope.io import is_folder

__all__ = ["GrefcocoKind"]

_FILE = "grefs(unc).json"


class GrefcocoKind:
    """Opens a folder of it."""

    id = "grefcoco"
    summary = (
        "gRefCOCO: grefs(unc).json and instances.json with COCO train2014; none or many objects"
    )
    splits: tuple[str, ...] = ("val", "testA", "testB", "train")
    parts: tuple[Part, ...] = (
        Part(
            (_FILE, f"grefcoco/{_FILE}"),
            f"{_FILE}: the sentences",
            "download it from FudanCVL/gRefCOCO on the hub",
        ),
        Part(
            ("instances.json", "grefcoco/instances.json"),
            "instances.json: boxes and masks",
            "download it from FudanCVL/gRefCOCO, or take that of RefCOCO",
        ),
        COCO_IMAGES,
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, f"{_FILE}, instances.json and train2014/"))
        folder = root / self.id if is_folder(root / self.id) else root
        split = source.split or "val"
        path = folder / _FILE
        content, digest = json_file(path, "expressions")
        refs = refs_of_split(content, path, split)
        listing = pictures_of_refs(f"{self.id} {split}", refs, path, digest)
        expected = expected_counts(folder, split, Expected(word="refs"))
        return ReferringSet(self.id, listing, expected, source.partial)
