"""COCO-Object from COCO's panoptic annotations: segments of things are classes, stuff is background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import IGNORE, Skipped
from vlmscope.data.datasets.label_maps.labelled_set import LabelledPhoto
from vlmscope.data.datasets.panoptic_json import PanopticListing
from vlmscope.data.datasets.panoptic_png import class_labels, read_segment_ids
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file

__all__ = ["PANOPTIC_FORM", "is_panoptic", "panoptic_things"]

PANOPTIC_FORM = "COCO panoptic: things by their names, all other segments are background"
_LISTING = "panoptic.json"


def is_panoptic(root: Path) -> bool:
    """Whether a folder is one of COCO panoptic, as the set ``coco-panoptic`` reads it."""
    return is_file(root / _LISTING)


def panoptic_things(
    root: Path, classes: Sequence[str]
) -> tuple[list[LabelledPhoto], tuple[Skipped, ...]]:
    """The photographs of a panoptic folder, and what its listing has wrong.

    Args:
        root: the folder.
        classes: the background, then the things by COCO's names.

    Raises:
        BadSampleError: a listing that is missing or damaged, or that has other things.
    """
    listing = PanopticListing.load(root / _LISTING)
    names = set(listing.categories.values())
    foreign = [name for name in classes[1:] if name not in names]
    if foreign:
        raise BadSampleError(
            f"{root / _LISTING} has no category {', '.join(foreign[:3])}, so it is not of COCO's 80 "
            "things. Give COCO's own panoptic annotations."
        )
    places = {name: index for index, name in enumerate(classes)}
    kinds = {number: places.get(name, 0) for number, name in listing.categories.items()}
    photos = []
    for image_id, entry in listing.entries.items():
        segments = {number: kinds[kind] for number, kind in entry.segments.items()}
        image, png = root / "images" / entry.image, root / "panoptic" / entry.png
        photos.append(LabelledPhoto(image_id, image, png, partial(_read, segments)))
    return photos, listing.skipped


def _read(segments: Mapping[int, int], path: Path, size: tuple[int, int]) -> NDArray[np.int32]:
    return class_labels(read_segment_ids(path, size), segments, IGNORE)
