"""A JSON-lines file of one's own, ``{"image", "text", "box"?, "mask"?}``, as a data set."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.rows import list_file
from vlmscope.data.sample_lists import SampleEntry, SampleFile
from vlmscope.data.shapes import mask_picture
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.io import missing_file

__all__ = ["PhraseRowsKind"]


class PhraseRowsKind:
    """Opens such a file."""

    id = "jsonl"
    summary = 'your own rows {"image", "text", "box"?, "mask"?} in a .jsonl file'
    splits: tuple[str, ...] = ()
    parts: tuple[Part, ...] = (
        Part(
            ("samples.jsonl",),
            "samples.jsonl (or name the .jsonl file itself as --root)",
            'write {"image": "a.jpg", "text": "the red mug", "box": [x0, y0, x1, y1]} per line; a '
            "mask is the path of a picture that is not black on the object",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words", "split")
        root = Path(source.folder(self.id, "samples.jsonl"))
        path = list_file(root)
        listing = _listing(self.id, path)
        expected = expected_counts(path.parent, "all", Expected())
        return ReferringSet(self.id, listing, expected, source.partial)


class _Rows(SampleFile):
    """Images that are missing are counted by the data set, so rows without theirs are listed."""

    @staticmethod
    def _checked(entry: SampleEntry) -> SampleEntry:
        reason = None if entry.mask is None else missing_file(entry.mask, "mask file")
        if reason is not None:
            raise BadSampleError(reason)
        if entry.mask is None and entry.box is None:
            raise BadSampleError("It has neither box nor mask, so nothing can be measured on it.")
        return entry


def _listing(name: str, path: Path) -> Listing:
    rows = _Rows(path)
    images: dict[Path, list[Sentence]] = {}
    for entry in rows.entries:
        draw = None if entry.mask is None else partial(_mask, entry.mask)
        number = f"line {entry.line}"
        sentence = Sentence(number, entry.phrase, (Region(entry.box, draw),), number)
        images.setdefault(entry.image, []).append(sentence)
    return Listing(
        name,
        [Picture(str(image), image, tuple(sentences)) for image, sentences in images.items()],
        hashlib.sha256(path.read_bytes()).digest(),
        tuple(Skipped(f"line {row.line}", row.reason) for row in rows.skipped),
        protocol={"source": path.name, "boxes": "xyxy, pixels of the upright image"},
    )


def _mask(path: Path, size: tuple[int, int]) -> NDArray[np.bool_]:
    try:
        return mask_picture(path, size)
    except BadImageError as error:
        raise BadSampleError(str(error)) from error
