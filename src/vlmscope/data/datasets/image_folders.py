"""Where the photographs of COCO lie, which most sets name without having them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from vlmscope.data.datasets.base import Part
from vlmscope.io import is_file

__all__ = ["COCO_IMAGES", "coco_file_name", "image_paths"]

_FOLDERS = (
    "images",
    "train2014",
    "images/train2014",
    "images/mscoco/images/train2014",
    "coco/train2014",
    "",
)

COCO_IMAGES = Part(
    tuple(f"{place}{folder}/COCO_train2014_*" for folder in _FOLDERS[:-1] for place in ("", "../"))
    + tuple(f"{folder}/*.png" for folder in _FOLDERS[:2]),
    "the photographs of COCO train2014 (images/, train2014/ or images/mscoco/images/train2014/)",
    "unpack COCO's train2014.zip into train2014/, in the set's folder or beside it",
)


def image_paths(
    root: Path, names: Iterable[str], folders: Sequence[str] = _FOLDERS
) -> dict[str, Path]:
    """The files of images in the folders where people keep them.

    An image that is in none has the place beside the others, so that a message names where it should
    be.

    Args:
        root: the data set's folder; the folder above it is searched, too.
        names: of the files, perhaps with folders.
        folders: in which to look.
    """
    bases = [base / folder for base in (root, root.parent) for folder in folders]
    found: dict[str, Path] = {}
    missing = []
    for name in dict.fromkeys(names):
        base = next((base for base in bases if is_file(base / name)), None)
        if base is None:
            missing.append(name)
            continue
        found[name] = base / name
        bases.remove(base)  # the folder of one is looked through first for the next
        bases.insert(0, base)
    usual = bases[0] if found else root / folders[0]
    return {**found, **{name: usual / name for name in missing}}


def coco_file_name(name: str) -> str:
    """The file of ``COCO_train2014_000000581857_16.jpg``: some lists add the annotation's number."""
    stem, dot, end = name.rpartition(".")
    parts = stem.split("_")
    return f"{'_'.join(parts[:3])}{dot}{end}" if len(parts) == 4 and parts[0] == "COCO" else name
