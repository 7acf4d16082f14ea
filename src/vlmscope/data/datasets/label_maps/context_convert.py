"""PASCAL Context's annotations as label maps: from one JSON of run lengths, or from .mat files."""

from __future__ import annotations

import os
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.data.coco_masks import coco_mask
from vlmscope.data.datasets.base import Skipped
from vlmscope.data.datasets.context import LISTS, MAPS
from vlmscope.data.datasets.label_maps.context_numbers import LABELS, class_numbers
from vlmscope.data.datasets.label_maps.json_stream import stream_lists
from vlmscope.errors import BadSampleError, VlmscopeError
from vlmscope.io import atomic_path, is_file, write_text

__all__ = ["Converted", "convert_context"]

_FILE = "trainval_merged.json"
_OPEN = 256  # maps that are kept unpacked; annotations of an image stand near each other


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        images: split -> how many maps.
        skipped: images and annotations that cannot be used.
    """

    images: Mapping[str, int]
    skipped: tuple[Skipped, ...]


def convert_context(
    root: str | os.PathLike[str], out: str | os.PathLike[str] | None = None
) -> Converted:
    """Write ``SegmentationClassContext/*.png`` and the lists of the splits.

    Where annotations overlap, the later one in the file wins, as its publishers draw them. The file
    is read piece by piece, twice; no toolkit is needed.

    Args:
        root: the folder of VOC 2010 with ``trainval_merged.json`` in it, or that file.
        out: the folder to write into; None: that of the file.

    Raises:
        BadSampleError: no such file, one that is damaged, or without an image.
        OutputError: a place that cannot be written.
    """
    path = Path(root)
    if not is_file(path):
        path = next((p for p in _places(path) if is_file(p)), path / _FILE)
    folder = path.parent if out is None else Path(out)
    images, skipped = _images(path)
    if not images:
        raise BadSampleError(
            f"{path} lists no image with file_name, size and phase, so it is not {_FILE} of PASCAL "
            "Context. Get that file."
        )
    maps = _Maps({number: image.size for number, image in images.items()})
    for number, annotation in enumerate(_annotations(path)):
        image = annotation.get("image_id") if isinstance(annotation, dict) else None
        if not isinstance(image, int | str) or image not in images:
            continue
        try:
            _paint(maps[image], annotation)
        except VlmscopeError as error:
            skipped.append(Skipped(f"annotation {number}", str(error)))
    splits: dict[str, list[str]] = {}
    for number, image in images.items():
        with atomic_path(folder / MAPS / f"{image.name}.png") as place:
            Image.fromarray(class_numbers(maps[number], str(path))).save(place, "PNG")
        splits.setdefault(image.phase, []).append(image.name)
    for split, names in splits.items():
        write_text(folder / LISTS / f"{split}.txt", "".join(f"{each}\n" for each in sorted(names)))
    return Converted({split: len(names) for split, names in splits.items()}, tuple(skipped))


@dataclass(frozen=True)
class _ImageRow:
    """An image of the file: its name without ending, (height, width), and its split."""

    name: str
    size: tuple[int, int]
    phase: str


def _places(root: Path) -> Iterator[Path]:
    for folder in ("", "VOC2010", "VOCdevkit/VOC2010"):
        yield root / folder / _FILE


def _images(path: Path) -> tuple[dict[Any, _ImageRow], list[Skipped]]:
    images: dict[Any, _ImageRow] = {}
    skipped: list[Skipped] = []
    for row in (element for key, element in stream_lists(path) if key == "images"):
        try:
            name = Path(row["file_name"])
            size = int(row["height"]), int(row["width"])
            number, phase = row["image_id"], str(row["phase"])
            if name.name != str(name) or min(size) < 1 or not phase.isalnum():
                raise ValueError(f"{row}"[:80])
        except (KeyError, TypeError, ValueError) as error:
            reason = f"The image lacks a field or holds a wrong one: {str(error)[:80]}."
            skipped.append(Skipped(f"image {len(images) + len(skipped)}", reason))
            continue
        images[number] = _ImageRow(name.stem, size, phase)
    return images, skipped


def _annotations(path: Path) -> Iterator[Any]:
    return (element for key, element in stream_lists(path) if key == "annos_segmentation")


def _paint(labels: NDArray[np.uint16], annotation: Mapping[str, Any]) -> None:
    """Write one annotation into the map of its image."""
    number = annotation.get("category_id")
    if not isinstance(number, int) or not 0 <= number <= LABELS:
        raise BadSampleError(f"Its category_id must be from 0 to {LABELS}, got {number!r}.")
    draw = coco_mask(annotation.get("segmentation"))
    if draw is None:
        raise BadSampleError("It has no segmentation.")
    labels[draw((labels.shape[0], labels.shape[1]))] = number


class _Maps:
    """The label maps of all images; those that were not used for a while are packed."""

    def __init__(self, sizes: Mapping[Any, tuple[int, int]]) -> None:
        self._sizes = sizes
        self._open: OrderedDict[Any, NDArray[np.uint16]] = OrderedDict()
        self._packed: dict[Any, bytes] = {}

    def __getitem__(self, image: Any) -> NDArray[np.uint16]:
        """Uint16 (height, width), which may be written to until others are asked for."""
        if image not in self._open:
            size = self._sizes[image]
            packed = self._packed.pop(image, None)
            data = bytes(2 * size[0] * size[1]) if packed is None else zlib.decompress(packed)
            self._open[image] = np.frombuffer(bytearray(data), dtype=np.uint16).reshape(size)
        self._open.move_to_end(image)
        while len(self._open) > _OPEN:
            old, labels = self._open.popitem(last=False)
            self._packed[old] = zlib.compress(labels.tobytes(), 1)
        return self._open[image]
