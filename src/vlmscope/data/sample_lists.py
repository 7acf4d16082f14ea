"""Sample lists: images with phrases and, for verification, where the object is.

A list is a JSON-lines file, one object per line: ``{"image": path, "phrase": text}`` (or ``text``
for ``phrase``), perhaps with ``"box": [x0, y0, x1, y1]`` in pixels of the upright image and
``"mask": path`` of a picture of the same size that is not black on the object. Paths are relative
to the file. ``tiny-scenes`` or ``tiny-scenes:N`` renders N scenes of the embedded model's world,
``tiny-scenes:N:crowd`` crowded ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.images import MAX_PIXELS, OpenedImage, open_image
from vlmscope.data.row_files import ImageOpener, RowFile, SkippedRow
from vlmscope.data.rows import SCENES, Row, scene_request, text_field
from vlmscope.data.shapes import box_of, check_box_inside, mask_picture
from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = [
    "SampleEntry",
    "SampleFile",
    "SampleRow",
    "SampleSource",
    "SceneSamples",
    "SkippedRow",
    "read_samples",
]

_DEFAULT_SCENES = 200

_EVERY, _CROWD = "every", "crowd"  # what may stand behind the number of rendered scenes


@dataclass(frozen=True, eq=False)
class SampleRow:
    """One usable sample.

    Attributes:
        image: the image, opened.
        phrase: what is looked for.
        box: xyxy float pixels of the upright image, or None.
        mask: bool (height, width), or None.
        place: where the row comes from, for messages: ``line 7``.
    """

    image: OpenedImage
    phrase: str
    box: Box | None = None
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)
    place: str = ""


class SampleSource(Protocol):
    """Samples that can be gone through again; images are opened one at a time."""

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Rows left out so far: those that cannot be read, and those whose image turned out bad."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[SampleRow]: ...


def read_samples(
    source: str | os.PathLike[str], *, held_out: bool = False, max_pixels: int = MAX_PIXELS
) -> SampleSource:
    """Open a sample list.

    Args:
        source: a JSON-lines file, a folder that holds ``samples.jsonl``, or ``tiny-scenes[:N]``, with
            ``:every`` after it a phrase for every object that has one, with ``:crowd`` scenes of the
            setting of that name, with ``:crowd,every`` both.
        held_out: of rendered scenes, those kept for reporting; else those kept for choosing.
        max_pixels: larger images are skipped.

    Raises:
        BadSampleError: no such list, or not one usable row in it.
    """
    scenes, words = _scene_words(os.fspath(source))
    request = scene_request(scenes, _DEFAULT_SCENES)
    if request is not None:
        return SceneSamples(request[0], held_out, _EVERY in words, _CROWD in words)
    return SampleFile(source, max_pixels)


def _scene_words(text: str) -> tuple[str, frozenset[str]]:
    """``tiny-scenes:9:crowd,every`` -> ``tiny-scenes:9`` and the words; other texts as they are."""
    head, _, tail = text.rpartition(":")
    words = frozenset(tail.split(","))
    if head.partition(":")[0] == SCENES and words <= {_EVERY, _CROWD}:
        return head, words
    return text, frozenset()


class SceneSamples:
    """Rendered scenes, drawn afresh each time they are gone through.

    Args:
        count: how many.
        held_out: seeds kept for reporting in place of those kept for choosing.
        every: a phrase for every object that has one, in place of one phrase for each scene.
        crowd: scenes of the setting ``crowd``.
    """

    def __init__(
        self, count: int, held_out: bool, every: bool = False, crowd: bool = False
    ) -> None:
        self._count = count
        self._held_out = held_out
        self._every = every
        self._setting = "crowd" if crowd else "plain"

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Always empty: a scene can be rendered."""
        return ()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[SampleRow]:
        from vlmscope.tiny import referring_samples
        from vlmscope.tiny.world.referring import every_referring_sample
        from vlmscope.tiny.world.settings import SETTINGS
        from vlmscope.tiny.world.splits import HELD_OUT, SELECT

        setting = SETTINGS[self._setting]
        seeds = (HELD_OUT if self._held_out else SELECT)[: self._count]
        if self._every:
            for seed in seeds:
                image = None
                for sample in every_referring_sample(seed, setting=setting):
                    image = image or open_image(sample.image, name=f"scene {seed}")
                    yield SampleRow(image, sample.phrase, sample.box, sample.mask)
            return
        scenes = referring_samples(seeds, setting=setting)
        for seed, sample in zip(seeds, scenes, strict=True):
            opened = open_image(sample.image, name=f"scene {seed}")
            yield SampleRow(opened, sample.phrase, sample.box, sample.mask)


@dataclass(frozen=True)
class SampleEntry:
    """A row whose text is in order; its image has not been opened.

    Attributes:
        line: in the file, from 1.
        image: where its image lies.
        phrase: what is looked for.
        box: xyxy float pixels of the upright image, or None.
        mask: where its mask lies, or None.
    """

    line: int
    image: Path
    phrase: str
    box: Box | None
    mask: Path | None


class SampleFile(RowFile[SampleEntry, SampleRow]):
    """The usable rows of a sample list; bad ones are left out with the reason."""

    kind = "sample list"
    example = '{"image": ..., "phrase": ...}'
    fields = (("image",), ("phrase", "text"), ("box",), ("mask",))

    def _entry(self, row: Row, record: dict[str, Any]) -> SampleEntry:
        image = row.place(text_field(record, "image"))
        phrase = text_field(record, "phrase", "text")
        has_mask = record.get("mask") is not None
        mask = row.place(text_field(record, "mask")) if has_mask else None
        return SampleEntry(row.number, image, phrase, box_of(record.get("box")), mask)

    def _item(self, entry: SampleEntry, images: ImageOpener) -> SampleRow:
        opened = images.open(entry.image)
        place = f"line {entry.line}"
        if entry.box is not None:
            check_box_inside(entry.box, opened.size)
        if entry.mask is None:
            return SampleRow(opened, entry.phrase, entry.box, place=place)
        mask = mask_picture(entry.mask, opened.size, max_pixels=self._max_pixels)
        if not mask.any():
            raise BadSampleError(f"The mask {entry.mask} is black all over, so it names no object.")
        return SampleRow(opened, entry.phrase, entry.box, mask, place)
