"""Rows of a sample list with the maps of those that are not measured yet: image by image, or in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import (
    FittedImage,
    HeadMaps,
    SharedPrefix,
    read_heads_of_images,
)
from vlmscope.data.ahead import ahead
from vlmscope.data.images import open_image
from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import Sample, grouped, read_sample, sample_id
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import BadImageError, BadPhraseError, BadSampleError
from vlmscope.heads.readings import ReadGroup, read_phrases
from vlmscope.models import LoadedModel

__all__ = ["Check", "Measure", "PrefixOf", "Row", "SampleDesk"]

# batches of images that are open at a time: among more of them more are of like length
_AT_ONCE = 4

Check = Callable[[Sample, NDArray[np.uint8], str], None]
Measure = Callable[[Sample, HeadMaps], dict[str, Any]]
PrefixOf = Callable[[Any], SharedPrefix | None]


@dataclass(frozen=True, eq=False)
class Row:
    """A row on its way to be measured.

    Attributes:
        place: where the row comes from: ``row 0``, or ``line 1`` of a file.
        digest: of picture and phrase.
        content: the sample and its maps; None: the log holds it, or it cannot be used.
        fault: why it cannot be used; not the error, which would keep image and tensors alive.
    """

    place: str
    digest: str = ""
    content: tuple[Sample, HeadMaps] | None = None
    fault: str = ""

    def usable_digest(self) -> str:
        """The digest; a row that cannot be used raises BadSampleError."""
        if self.fault:
            raise BadSampleError(self.fault)
        return self.digest

    def measured_by(self, measure: Measure) -> dict[str, Any]:
        """The record that a measure makes of the content."""
        assert self.content is not None  # only what the log holds comes without
        return measure(*self.content)


@dataclass(frozen=True, eq=False)
class _Arrival:
    """What comes out of a sample list at a time: samples on one image, and rows before them that are none."""

    unreadable: list[Row]
    group: list[Sample]


@dataclass(frozen=True, eq=False)
class _Opened:
    """Samples on one image, looked through.

    Attributes:
        rows: what cannot be used.
        image: what they say their image is.
        pixels: uint8 (height, width, 3).
        fit: samples that can be used, each with its digest.
        wanted: those of them that the log does not hold, by digest.
        fitted: the image as the model takes it, where it is to be looked at beside others.
    """

    rows: list[Row]
    image: Any = None
    pixels: NDArray[np.uint8] | None = None
    fit: list[tuple[Sample, str]] = field(default_factory=list)
    wanted: dict[str, Sample] = field(default_factory=dict)
    fitted: FittedImage | None = None

    @property
    def phrases(self) -> list[str]:
        return [sample.phrase for sample in self.wanted.values()]


Maps = dict[str, HeadMaps | str]
"""By digest the maps of a sample, or why its phrase is not fit for the model."""


@dataclass(frozen=True, eq=False)
class SampleDesk:
    """Where the rows of a sample list are read; attributes as the arguments of :func:`survey`."""

    model: LoadedModel
    log: SampleLog
    reading: dict[str, Any]
    check: Check | None
    prefix_of: PrefixOf | None
    strange: StrangePictures
    batch: int
    read_group: ReadGroup | None = None

    def rows(self, samples: Iterable[Any]) -> Iterator[Row]:
        """Every row, in order, with the maps of those that the log does not hold."""
        at_once = _AT_ONCE * self.batch if self.batch > 1 else 1
        opened = self._opened(_arrivals(samples))
        while some := list(islice(opened, at_once)):
            for each, maps in zip(some, self._maps(some), strict=True):
                yield from _rows_of_image(each, maps)

    def _opened(self, arrivals: Iterable[_Arrival]) -> Iterator[_Opened]:
        if self.prefix_of is not None:  # an image's prefix is kept until the next comes
            yield from map(self._open, arrivals)
            return
        for _, ready in ahead(arrivals, self._open, max(2, self.batch)):
            yield ready()

    def _open(self, arrival: _Arrival) -> _Opened:
        """Open an image and look through its samples; called in another thread, one after the other."""
        rows, group = arrival.unreadable, arrival.group
        if not group:
            return _Opened(rows)
        try:
            pixels = open_image(group[0].image).pixels
        except BadImageError as error:
            faults = [Row(sample.place, fault=str(error)) for sample in group]
            return _Opened([*rows, *faults])
        fit: list[tuple[Sample, str]] = []
        for sample in group:
            digest = sample_id(pixels, sample.phrase)
            try:
                if self.check is not None:
                    self.check(sample, pixels, digest)
            except BadSampleError as error:
                rows.append(Row(sample.place, fault=str(error)))
            else:
                fit.append((sample, digest))
        wanted = {digest: sample for sample, digest in fit if digest not in self.log}
        fitted = FittedImage(self.model, pixels) if self.batch > 1 and wanted else None
        notes = None if fitted is None else fitted.inputs(self.reading.get("placement")).notes
        self.strange.see(pixels, notes)
        return _Opened(rows, group[0].image, pixels, fit, wanted, fitted)

    def _maps(self, images: Sequence[_Opened]) -> list[Maps]:
        if self.batch == 1:
            return [self._maps_of(each) for each in images]
        maps: dict[int, Maps] = {}
        wanted = [number for number, each in enumerate(images) if each.wanted]
        for some in self._batches(images, wanted):
            maps.update(zip(some, self._side_by_side([images[n] for n in some]), strict=True))
        return [maps.get(number, {}) for number in range(len(images))]

    def _batches(self, images: Sequence[_Opened], wanted: list[int]) -> Iterator[list[int]]:
        """Images of like token count, those of one phrase by its length."""

        def alike(number: int) -> tuple[Any, ...]:
            each = images[number]
            assert each.fitted is not None  # of whatever is wanted
            kind = each.fitted.kind(self.reading.get("placement"))
            return (*kind, len(each.wanted) > 1)

        def length(number: int) -> int:
            return max(map(len, images[number].phrases))

        ordered = sorted(wanted, key=lambda number: (alike(number), length(number), number))
        for _, group in groupby(ordered, alike):
            while some := list(islice(group, self.batch)):
                yield some

    def _side_by_side(self, images: Sequence[_Opened]) -> list[Maps]:
        if len(images) == 1:
            return [self._maps_of(images[0])]
        fitted = [each.fitted for each in images if each.fitted is not None]
        phrases = [each.phrases for each in images]
        try:
            read = read_heads_of_images(self.model, fitted, phrases, **self.reading)
        except BadPhraseError:  # one of them is to blame
            return [self._maps_of(each) for each in images]
        return [
            dict(zip(each.wanted, own, strict=True)) for each, own in zip(images, read, strict=True)
        ]

    def _maps_of(self, image: _Opened) -> Maps:
        if not image.wanted:
            return {}
        assert image.pixels is not None  # there are samples on it
        reading = self.reading
        if self.read_group is not None:  # also of samples that are measured: others lean on them
            every = {digest: sample for sample, digest in image.fit}
            return self.read_group(self.model, image.pixels, every, reading)
        if self.prefix_of is not None:
            reading = {**reading, "prefix": self.prefix_of(image.image)}
        return read_phrases(self.model, image.pixels, image.wanted, reading)


def _arrivals(samples: Iterable[Any]) -> Iterator[_Arrival]:
    unreadable: list[Row] = []
    for group in grouped(_readable(samples, unreadable)):
        yield _Arrival(_drained(unreadable), group)
    yield _Arrival(_drained(unreadable), [])


def _readable(samples: Iterable[Any], unreadable: list[Row]) -> Iterator[Sample]:
    for number, source in enumerate(samples):
        try:
            sample = read_sample(number, source)
        except BadSampleError as error:
            unreadable.append(Row(f"row {number}", fault=str(error)))
            continue
        yield sample


def _drained(rows: list[Row]) -> list[Row]:
    """What a list holds, which is empty afterwards."""
    taken = rows[:]
    rows.clear()
    return taken


def _rows_of_image(image: _Opened, maps: Maps) -> Iterator[Row]:
    yield from image.rows
    for sample, digest in image.fit:
        row_maps = maps.get(digest)
        if isinstance(row_maps, str):
            yield Row(sample.place, fault=row_maps)
        elif row_maps is None:
            yield Row(sample.place, digest)
        else:
            yield Row(sample.place, digest, (image.wanted[digest], row_maps))
