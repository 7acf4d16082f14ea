"""COCO's detection format of one's own: a sentence per image and category, or one per annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.coco_masks import MaskSource
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.coco_instances import Instances, region_of
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file

__all__ = ["CocoJsonKind"]

_FILES = ("annotations.json", "instances.json", "_annotations.coco.json", "instances_{split}.json")
_FOLDERS = ("images", "{split}", "")
_SHOWN = 60  # characters of a wrong value in a message
_TEXTS = ("caption", "text", "phrase")


class CocoJsonKind:
    """Opens a COCO JSON file with its images."""

    id = "coco-json"
    summary = "your own COCO JSON: annotations.json (or instances.json) and images/"
    splits: tuple[str, ...] = ()
    parts: tuple[Part, ...] = (
        Part(
            ("annotations.json", "instances*.json", "_annotations.coco.json", "*.json"),
            "annotations.json, instances.json or _annotations.coco.json",
            "export your annotations as COCO JSON (images, annotations, categories)",
        ),
        Part(
            ("images/*", "*.jpg", "*.png"),
            "images/: the files that the JSON names",
            "put the images into images/, under the names that the JSON gives them",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "annotations.json and images/"))
        path = _annotations(root, source.split)
        listing = _listing(self.id, path, source.split)
        expected = expected_counts(path.parent, source.split or "all", Expected())
        return ReferringSet(self.id, listing, expected, source.partial)


def _annotations(root: Path, split: str | None) -> Path:
    if is_file(root):
        return root
    names = [name.format(split=split) for name in _FILES if split is not None or "{" not in name]
    folders = [root] if split is None else [root / split, root, root / "annotations"]
    places = [folder / name for folder in folders for name in names]
    for path in places:
        if is_file(path):
            return path
    raise BadSampleError(
        f"There is no COCO JSON in {root}: none of {', '.join(names)}. Give the folder that holds one, "
        "or the file itself, as --root."
    )


def _listing(name: str, path: Path, split: str | None) -> Listing:
    instances = Instances.load(path)
    problems: list[Skipped] = []
    rows: dict[int, list[tuple[int, Mapping[str, Any]]]] = {
        number: [] for number in instances.images
    }
    for number, row in instances.annotations.items():
        image_id = row.get("image_id")
        if isinstance(image_id, int) and image_id in rows:
            rows[image_id].append((number, row))
        else:
            reason = f"It is of image {repr(image_id)[:_SHOWN]}, which the file does not hold."
            problems.append(Skipped(f"annotation {number}", reason))
    folders = [folder.format(split=split) for folder in _FOLDERS if split or "{" not in folder]
    places = image_paths(path.parent, [each.name for each in instances.images.values()], folders)
    pictures = [
        Picture(
            str(number),
            places[image.name],
            tuple(_sentences(number, rows[number], instances, problems)),
            image.size,
        )
        for number, image in instances.images.items()
    ]
    crowds = sum(1 for row in instances.annotations.values() if row.get("iscrowd"))
    protocol = {
        "source": path.name,
        "boxes": "xywh, as COCO states",
        "sentences": "an annotation's caption, else the name of its category for all of an image",
        "crowds": f"{crowds} annotations of crowds: their pixels count for nothing",
    }
    return Listing(
        name if split is None else f"{name} {split}",
        pictures,
        instances.digest,
        tuple(problems),
        tuple(instances.categories.values()),
        protocol,
    )


def _sentences(
    image: int,
    rows: Sequence[tuple[int, Mapping[str, Any]]],
    instances: Instances,
    problems: list[Skipped],
) -> list[Sentence]:
    own: list[Sentence] = []
    classes: dict[Any, list[Region]] = {}
    crowds: dict[Any, list[MaskSource]] = {}
    for number, row in rows:
        try:
            region = region_of(row)
            if region.box is None and region.draw is None:
                raise BadSampleError("It has neither bbox nor segmentation.")
            kind = _category(row)
        except BadSampleError as error:
            problems.append(Skipped(f"annotation {number}", str(error)))
            continue
        text = next((row[key] for key in _TEXTS if isinstance(row.get(key), str)), None)
        if row.get("iscrowd"):
            if region.draw is not None:
                crowds.setdefault(kind, []).append(region.draw)
        elif text is not None:
            tags = {"category": instances.category(kind)}
            own.append(Sentence(str(number), text, (region,), str(number), tags))
        else:
            classes.setdefault(kind, []).append(region)
    for kind, regions in classes.items():
        name = instances.category(kind)
        place = f"{image}/{kind}"
        ignore = partial(_together, crowds[kind]) if kind in crowds else None
        own.append(Sentence(place, name, tuple(regions), place, {"category": name}, ignore))
    return own


def _category(row: Mapping[str, Any]) -> int | str | None:
    number = row.get("category_id")
    if number is not None and not isinstance(number, int | str):
        raise BadSampleError(
            f"Its category_id is {repr(number)[:_SHOWN]}, not the number of a category."
        )
    return number


def _together(sources: Sequence[MaskSource], size: tuple[int, int]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.logical_or.reduce([draw(size) for draw in sources])
    return mask
