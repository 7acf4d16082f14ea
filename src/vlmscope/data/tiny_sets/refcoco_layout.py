"""Scenes as RefCOCO/+/g and gRefCOCO have theirs: refs, ``instances.json``, a folder of photographs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.data.coco_masks import lengths_of_mask
from vlmscope.data.datasets.counts import Counts
from vlmscope.data.plain_pickle import plain_pickle
from vlmscope.data.tiny_sets.scenes import (
    Said,
    rectangles,
    said_of,
    scenes_of,
    several_or_none,
)
from vlmscope.io import atomic_path, write_bytes, write_text
from vlmscope.tiny import Scene, SceneObject
from vlmscope.tiny.world.words import SHAPES

__all__ = ["REFCOCO", "REFCOCO_G", "REFCOCO_PLUS", "Flavour", "RefSet", "write_grefcoco"]


@dataclass(frozen=True)
class Flavour:
    """One of the three sets.

    Attributes:
        maker: who split it, as the pickle's name says.
        splits: their names.
        unsaid: what no sentence mentions.
    """

    maker: str
    splits: tuple[str, ...]
    unsaid: tuple[str, ...] = ()

    def collected(self, folder: Path, images: int, photographs: bool = True) -> RefSet:
        """Render the scenes of all splits.

        Args:
            folder: where ``train2014/`` is written.
            images: of each split.
            photographs: whether it is.
        """
        collected = RefSet(folder, self.splits, photographs)
        for split in self.splits:
            for scene in scenes_of(split, images):
                collected.add(scene, split, said_of(scene, self.unsaid), listed=False)
        return collected

    def write(self, folder: Path, images: int) -> dict[str, Counts]:
        """Write ``refs(MAKER).p``, ``instances.json`` and ``train2014/``; what each split holds."""
        collected = self.collected(folder, images)
        collected.write_instances()
        write_bytes(folder / f"refs({self.maker}).p", plain_pickle(collected.refs))
        return collected.counts()


_SPLITS = ("train", "val", "testA", "testB")

REFCOCO = Flavour("unc", _SPLITS)
REFCOCO_PLUS = Flavour("unc", _SPLITS, unsaid=("place",))
REFCOCO_G = Flavour("umd", ("train", "val", "test"))


@dataclass
class RefSet:
    """What is collected over the splits; ids go on from split to split.

    Attributes:
        folder: where photographs are written.
        splits: names.
        photographs: whether they are.
        refs, images, annotations: rows as the files have them.
        sentences: how many there are.
        scenes: rendered ones, by the image's id, where no photographs are written.
    """

    folder: Path
    splits: tuple[str, ...]
    photographs: bool = True
    refs: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    sentences: int = 0
    scenes: dict[int, Scene] = field(default_factory=dict)

    def add(self, scene: Scene, split: str, groups: Sequence[Said], listed: bool) -> None:
        """One scene. ``listed``: a ref names its annotations in a list, -1 for none."""
        number = len(self.images) + 1
        name = f"COCO_train2014_{number:012d}.jpg"
        height, width = scene.size
        self.images.append({"id": number, "file_name": name, "height": height, "width": width})
        if self.photographs:
            with atomic_path(self.folder / "train2014" / name) as place:
                Image.fromarray(scene.image).save(place, "JPEG", quality=95, subsampling=0)
        else:
            self.scenes[number] = scene
        first = len(self.annotations) + 1
        self.annotations += [
            _annotation(first + index, number, item) for index, item in enumerate(scene.objects)
        ]
        for said in groups:
            named = [first + index for index in said.objects]
            kinds = [SHAPES.index(scene.objects[index].shape) + 1 for index in said.objects]
            self.refs.append(
                {
                    "ref_id": len(self.refs),
                    "ann_id": (named or [-1]) if listed else named[0],
                    "image_id": number,
                    "category_id": (kinds or [-1]) if listed else kinds[0],
                    "split": split,
                    # the number of the annotation stands in the names of the real set, too
                    "file_name": f"{name.removesuffix('.jpg')}_{(named or [0])[0]}.jpg",
                    **self._sentences(said.texts),
                }
            )

    def _sentences(self, texts: Sequence[str]) -> dict[str, Any]:
        numbers = [self.sentences + place for place in range(len(texts))]
        self.sentences += len(texts)
        rows = [
            {"sent_id": number, "sent": text, "raw": text, "tokens": text.split()}
            for number, text in zip(numbers, texts, strict=True)
        ]
        return {"sent_ids": numbers, "sentences": rows}

    def write_instances(self) -> None:
        """Write ``instances.json``."""
        categories = [{"id": n, "name": name} for n, name in enumerate(SHAPES, start=1)]
        content = {
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories,
        }
        write_text(self.folder / "instances.json", json.dumps(content))

    def counts(self) -> dict[str, Counts]:
        """Split -> what it holds."""
        held = {}
        for split in self.splits:
            refs = [ref for ref in self.refs if ref["split"] == split]
            images = {ref["image_id"] for ref in refs}
            sentences = sum(len(ref["sentences"]) for ref in refs)
            held[split] = Counts(len(images), len(refs), sentences)
        return held


def write_grefcoco(folder: Path, images: int) -> dict[str, Counts]:
    """Write ``grefs(unc).json``, ``instances.json`` and ``train2014/``; what each split holds."""
    collected = RefSet(folder, _SPLITS)
    for split in _SPLITS:
        for scene in scenes_of(split, images):
            collected.add(scene, split, [*said_of(scene), *several_or_none(scene)], listed=True)
    collected.write_instances()
    write_text(folder / "grefs(unc).json", json.dumps(collected.refs))
    return collected.counts()


def _annotation(number: int, image: int, item: SceneObject) -> dict[str, Any]:
    """An object; every other one has polygons, the rest run lengths as numbers."""
    x0, y0, x1, y1 = item.box
    mask: Any = {"counts": lengths_of_mask(item.mask), "size": list(item.mask.shape)}
    if number % 2:
        mask = [[a, b, c, b, c, d, a, d] for a, b, c, d in rectangles(item.mask)]
    return {
        "id": number,
        "image_id": image,
        "category_id": SHAPES.index(item.shape) + 1,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(item.mask.sum()),
        "iscrowd": 0,
        "segmentation": mask,
    }
