"""ReasonSeg: a folder of photographs, each with a JSON of texts and polygons, as LISA reads them.

One sample an image: its first text. Polygons are filled with their border, the largest first, so that
smaller ones lie on top; ``ignore`` pixels count for nothing, and ``flag`` shapes are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.drawn_polygons import fill_with_border
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file, is_folder, parse_json, shown_path

__all__ = ["IGNORED", "ReasonSegKind", "drawn_labels"]

IGNORED = 255
"""Value of a pixel that counts for nothing; 1 is the target."""

_IMAGES = {"train": 239, "val": 200, "test": 779}
_SUFFIXES = (".jpg", ".jpeg", ".png")


class ReasonSegKind:
    """Opens a folder of it."""

    id = "reasonseg"
    summary = "ReasonSeg: train, val or test with a JPEG and a JSON per sample (239, 200, 779)"
    splits: tuple[str, ...] = ("val", "test", "train")
    parts: tuple[Part, ...] = (
        Part(
            ("*/*.json", "ReasonSeg/*/*.json"),
            "val/, test/ or train/ with a .jpg and a .json of the same name per sample",
            "unpack val.zip, test.zip and train.zip of LISA's ReasonSeg",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "val/*.jpg and val/*.json"))
        root = root / "ReasonSeg" if is_folder(root / "ReasonSeg") else root
        split = source.split or "val"
        published = Expected({"images": _IMAGES[split]} if split in _IMAGES else {})
        expected = expected_counts(root, split, published)
        return ReferringSet(self.id, _listing(self.id, root, split), expected, source.partial)


def _listing(name: str, root: Path, split: str) -> Listing:
    folder = root / split
    files = sorted(path for path in folder.glob("*.json") if is_file(path))
    if not files:
        splits = sorted(path.name for path in root.glob("*") if any(path.glob("*.json")))
        raise BadSampleError(
            f"There is no .json in {folder}, so no split {split!r}. Folders of {root} that have some: "
            f"{', '.join(splits) or 'none'}."
        )
    content = hashlib.sha256()
    pictures, problems = [], []
    for path in files:
        data = path.read_bytes()
        content.update(path.name.encode() + data)
        try:
            pictures.append(Picture(path.stem, _image(path), (_sentence(path, data),)))
        except BadSampleError as error:
            problems.append(Skipped(path.stem, str(error)))
    protocol = {
        "source": f"{folder.name}/ with {len(files)} JSON files",
        "text": "the first of each sample",
        "masks": "polygons with a border of one pixel, the largest first; ignore counts for nothing",
    }
    return Listing(
        f"{name} {split}",
        pictures,
        content.digest(),
        tuple(problems),
        protocol=protocol,
        tasks=("reasonseg",),
    )


def _image(path: Path) -> Path:
    places = [path.with_suffix(suffix) for suffix in _SUFFIXES]
    return next((place for place in places if is_file(place)), places[0])


def _sentence(path: Path, data: bytes) -> Sentence:
    row = _row(path, data)
    texts, shapes = row.get("text"), row.get("shapes")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not isinstance(texts[0], str):
        raise BadSampleError(f"{path.name} has no text, got {repr(row.get('text'))[:60]}.")
    kept = _shapes(shapes, path.name)
    whole = row.get("is_sentence")
    tags = {} if whole is None else {"is_sentence": "yes" if whole else "no"}
    return Sentence(
        path.stem,
        texts[0],
        (Region(None, partial(_drawn, kept, 1)),),
        path.stem,
        tags,
        partial(_drawn, kept, IGNORED)
        if any(_value(label) == IGNORED for label, _ in kept)
        else None,
    )


def _row(path: Path, data: bytes) -> dict[str, Any]:
    try:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252")
        row = parse_json(text)
    except ValueError as error:
        raise BadSampleError(
            f"{shown_path(path)} is no JSON in UTF-8 or Windows-1252: {error}."
        ) from error
    if not isinstance(row, dict):
        raise BadSampleError(f"{path.name} holds {type(row).__name__}, not an object.")
    return row


_Shape = tuple[str, list[tuple[int, int]]]


def _shapes(rows: Any, name: str) -> list[_Shape]:
    """Labels with their corners; coordinates lose what is behind the point, as in LISA."""
    if not isinstance(rows, list):
        raise BadSampleError(f"{name} has no list of shapes.")
    kept = []
    for row in rows:
        label, points = _label_and_points(row)
        if not isinstance(label, str) or not _are_points(points):
            raise BadSampleError(
                f"A shape of {name} is no label with points [[x, y], ...], got {repr(row)[:60]}."
            )
        if label.lower() != "flag":
            kept.append((label, [(int(x), int(y)) for x, y in points]))
    return kept


def _label_and_points(row: Any) -> tuple[Any, Any]:
    return (row.get("label"), row.get("points")) if isinstance(row, dict) else (None, None)


def _are_points(points: Any) -> bool:
    if not isinstance(points, list) or not points:
        return False
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return array.ndim == 2 and array.shape[1] == 2 and bool(np.isfinite(array).all())


def _value(label: str) -> int:
    return IGNORED if "ignore" in label.lower() else 1


def drawn_labels(shapes: Sequence[_Shape], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The label of every pixel: 1 the target, :data:`IGNORED` what does not count, else 0.

    Args:
        shapes: labels with their corners, (x, y) whole pixels.
        size: (height, width).

    Returns:
        uint8 (height, width).
    """
    areas = [int(_filled([(label, points)], size, 1).sum()) for label, points in shapes]
    # of the same area the later one is drawn first, as a reversed stable order has it
    order = [int(index) for index in np.argsort(areas, kind="stable")[::-1]]
    return _filled([shapes[index] for index in order], size)


def _filled(
    shapes: Sequence[_Shape], size: tuple[int, int], value: int | None = None
) -> NDArray[np.uint8]:
    canvas = np.zeros(size, dtype=np.uint8)
    for label, points in shapes:
        fill_with_border(canvas, points, _value(label) if value is None else value)
    return canvas


def _drawn(shapes: Sequence[_Shape], value: int, size: tuple[int, int]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = drawn_labels(shapes, size) == value
    return mask
