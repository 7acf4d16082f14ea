"""Sample lists: images with phrases and, for verification, where the object is.

A list is a JSON-lines file, one object per line: ``{"image": path, "phrase": text}`` (or ``text``
for ``phrase``), perhaps with ``"box": [x0, y0, x1, y1]`` in pixels of the upright image and
``"mask": path`` of a picture of the same size that is not black on the object. Paths are relative
to the file. ``tiny-scenes`` or ``tiny-scenes:N`` renders N scenes of the embedded model's world.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.images import MAX_PIXELS, OpenedImage, open_image
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.types import Box

__all__ = ["SampleFile", "SampleRow", "SampleSource", "SceneSamples", "SkippedRow", "read_samples"]

SCENES = "tiny-scenes"
_FILE_IN_FOLDER = "samples.jsonl"
_DEFAULT_SCENES = 200


@dataclass(frozen=True, eq=False)
class SampleRow:
    """One usable sample.

    Attributes:
        image: the image, opened.
        phrase: what is looked for.
        box: xyxy float pixels of the upright image, or None.
        mask: bool (height, width), or None.
    """

    image: OpenedImage
    phrase: str
    box: Box | None = None
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SkippedRow:
    """A row that could not be used.

    Attributes:
        line: its line in the file, from 1.
        reason: why.
    """

    line: int
    reason: str


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
        source: a JSON-lines file, a folder that holds ``samples.jsonl``, or ``tiny-scenes[:N]``.
        held_out: of rendered scenes, those kept for reporting; else those kept for choosing.
        max_pixels: larger images are skipped.

    Raises:
        BadSampleError: no such list, or not one usable row in it.
    """
    text = os.fspath(source)
    if text == SCENES or text.startswith(f"{SCENES}:"):
        return SceneSamples(_scene_count(text), held_out)
    path = Path(text)
    if path.is_dir():
        path = path / _FILE_IN_FOLDER
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadSampleError(
            f"Cannot read the sample list {path}: {reason}. Give a JSON-lines file with one "
            '{"image": ..., "phrase": ...} per line, a folder that holds samples.jsonl, '
            f"or {SCENES}:N."
        ) from error
    return SampleFile(path, content, max_pixels)


def _scene_count(text: str) -> int:
    match = re.fullmatch(rf"{SCENES}(?::0*([1-9]\d{{0,5}}))?", text)
    if match is None:
        raise BadSampleError(
            f"Rendered scenes are written {SCENES} or {SCENES}:N with N from 1 to 999999, "
            f"got {text!r}."
        )
    return int(match.group(1) or _DEFAULT_SCENES)


class SceneSamples:
    """Rendered scenes, drawn afresh each time they are gone through.

    Args:
        count: how many.
        held_out: seeds kept for reporting in place of those kept for choosing.
    """

    def __init__(self, count: int, held_out: bool) -> None:
        self._count = count
        self._held_out = held_out

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Always empty: a scene can be rendered."""
        return ()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[SampleRow]:
        from vlmscope.tiny import referring_samples
        from vlmscope.tiny.world.splits import HELD_OUT, SELECT

        seeds = (HELD_OUT if self._held_out else SELECT)[: self._count]
        for seed, sample in zip(seeds, referring_samples(seeds), strict=True):
            opened = open_image(sample.image, name=f"scene {seed}")
            yield SampleRow(opened, sample.phrase, sample.box, sample.mask)


@dataclass(frozen=True)
class _Entry:
    """A row whose text is in order; its image has not been opened."""

    line: int
    image: Path
    phrase: str
    box: Box | None
    mask: Path | None


class SampleFile:
    """The usable rows of a JSON-lines file; bad ones are left out with the reason.

    Args:
        path: of the file; image paths are relative to its folder.
        content: of the file.
        max_pixels: larger images are skipped.

    Raises:
        BadSampleError: when no row is usable.
    """

    def __init__(self, path: Path, content: str, max_pixels: int) -> None:
        self._path = path
        self._max_pixels = max_pixels
        self._skipped: dict[int, str] = {}
        self._entries: list[_Entry] = []
        for number, line in enumerate(content.splitlines(), start=1):
            if line.strip():
                self._take(number, line)
        if not self._entries:
            raise self._unusable()

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Rows left out so far, by line."""
        return tuple(SkippedRow(line, self._skipped[line]) for line in sorted(self._skipped))

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[SampleRow]:
        opened: tuple[Path, OpenedImage] | None = None
        usable = 0
        for entry in self._entries:
            try:
                if opened is None or opened[0] != entry.image:  # rows on one image come together
                    opened = entry.image, open_image(entry.image, max_pixels=self._max_pixels)
                row = _row(entry, opened[1], self._max_pixels)
            except (BadImageError, BadSampleError) as error:
                self._skipped[entry.line] = str(error)
                continue
            usable += 1
            yield row
        if not usable:
            raise self._unusable()

    def _take(self, number: int, line: str) -> None:
        try:
            self._entries.append(_entry(number, line, self._path.parent))
        except BadSampleError as error:
            self._skipped[number] = str(error)

    def _unusable(self) -> BadSampleError:
        if not self._skipped:
            return BadSampleError(
                f"The sample list {self._path} is empty. Write one "
                '{"image": ..., "phrase": ...} per line.'
            )
        first = self.skipped[0]
        return BadSampleError(
            f"None of the {len(self._skipped)} rows of {self._path} can be used. "
            f"Line {first.line}: {first.reason}"
        )


def _entry(number: int, line: str, folder: Path) -> _Entry:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        raise BadSampleError(f"It is not JSON ({reason}).") from error
    if not isinstance(record, dict):
        raise BadSampleError(f"A row is a JSON object, got {type(record).__name__}.")
    image = _text(record, "image")
    phrase = _text(record, "phrase" if "phrase" in record or "text" not in record else "text")
    path = folder / image
    if not path.is_file():
        raise BadSampleError(f"There is no image file {path}.")
    mask = None
    if record.get("mask") is not None:
        mask = folder / _text(record, "mask")
    return _Entry(number, path, phrase, _box(record.get("box")), mask)


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        said = f"it is {json.dumps(value)[:60]}" if key in record else "it is missing"
        raise BadSampleError(f"The field {key!r} must be a text, {said}.")
    return value


def _box(value: Any) -> Box | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    plain = all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
    if len(numbers) != 4 or not plain or not all(math.isfinite(n) for n in numbers):
        raise BadSampleError(f"The box must be [x0, y0, x1, y1], got {json.dumps(value)[:60]}.")
    x0, y0, x1, y1 = (float(number) for number in numbers)
    if not (x0 < x1 and y0 < y1):
        raise BadSampleError(
            f"The box [x0, y0, x1, y1] needs x0 < x1 and y0 < y1, got {numbers}. "
            "If it is [x, y, width, height], convert it."
        )
    return x0, y0, x1, y1


def _row(entry: _Entry, opened: OpenedImage, max_pixels: int) -> SampleRow:
    height, width = opened.size
    if entry.box is not None:
        x0, y0, x1, y1 = entry.box
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            raise BadSampleError(
                f"The box {list(entry.box)} lies outside the image, which is {width} wide and "
                f"{height} high."
            )
    if entry.mask is None:
        return SampleRow(opened, entry.phrase, entry.box)
    mask = open_image(entry.mask, max_pixels=max_pixels).pixels.max(axis=2) > 0
    if mask.shape != opened.size:
        raise BadSampleError(
            f"The mask {entry.mask} is {mask.shape[1]} wide and {mask.shape[0]} high, the image "
            f"{width} and {height}."
        )
    if not mask.any():
        raise BadSampleError(f"The mask {entry.mask} is black all over, so it names no object.")
    return SampleRow(opened, entry.phrase, entry.box, mask)
