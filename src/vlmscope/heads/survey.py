"""Reading many samples: one forward pass per image, bad rows skipped, finished ones never again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps, SharedPrefix, read_heads
from vlmscope.data.images import open_image
from vlmscope.data.resume import SampleLog, how_many, measured
from vlmscope.data.samples import Sample, grouped, read_sample, sample_id
from vlmscope.data.skipped import skipped_samples
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import (
    BadImageError,
    BadPhraseError,
    BadSampleError,
    SkippedWarning,
)
from vlmscope.models import LoadedModel

__all__ = ["Survey", "survey"]

_BAD_ROW = (BadImageError, BadPhraseError, BadSampleError)

Check = Callable[[Sample, NDArray[np.uint8], str], None]
Measure = Callable[[Sample, HeadMaps], dict[str, Any]]
PrefixOf = Callable[[Any], SharedPrefix | None]


@dataclass(frozen=True)
class Survey:
    """What became of the rows of a sample list.

    Attributes:
        ids: digests of the samples that were measured, in order; each occurs once.
        skipped: one sentence for every row that could not be used.
    """

    ids: tuple[str, ...]
    skipped: tuple[str, ...]


def survey(
    model: LoadedModel,
    samples: Iterable[Any],
    log: SampleLog,
    measure: Measure,
    *,
    reading: dict[str, Any],
    check: Check | None = None,
    prefix_of: PrefixOf | None = None,
    progress: bool = True,
    title: str = "samples",
) -> Survey:
    """Measure every sample that the log does not hold yet.

    Args:
        model: the model.
        samples: rows, see :func:`vlmscope.data.samples.read_sample`; read one by one.
        log: where measurements go.
        measure: makes a sample's record from its maps.
        reading: keyword arguments of :func:`vlmscope.attention.read_heads`.
        check: raises BadSampleError for a sample that must not be used, before it is computed.
        prefix_of: the prefix of an image, where it has been computed already.
        progress: show a bar on stderr.
        title: of the bar.

    Raises:
        BadSampleError: when not one row can be used; says how many there were and the first reason.
    """
    strange = StrangePictures(model)
    done = measured(
        _rows(model, samples, log, reading, check, prefix_of, strange),
        log,
        lambda row: row.measured_by(measure),
        key=_Row.usable_digest,
        name=lambda row: row.place,
        title=title,
        total=how_many(samples),
        unit="sample",
        progress=progress,
        bad=_BAD_ROW,
    )
    skipped = tuple(map(str, skipped_samples(samples, done.skipped)))
    if not done.ids:
        first = f" The first: {skipped[0]}" if skipped else ""
        raise BadSampleError(f"None of {len(skipped)} samples can be used.{first}")
    if skipped:
        warnings.warn(
            f"{len(skipped)} samples were skipped. The first: {skipped[0]}",
            SkippedWarning,
            stacklevel=3,
        )
    strange.warn()
    return Survey(done.ids, skipped)


@dataclass(frozen=True, eq=False)
class _Row:
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


def _rows(
    model: LoadedModel,
    samples: Iterable[Any],
    log: SampleLog,
    reading: dict[str, Any],
    check: Check | None,
    prefix_of: PrefixOf | None,
    strange: StrangePictures,
) -> Iterator[_Row]:
    unreadable: list[_Row] = []
    for group in grouped(_readable(samples, unreadable)):
        yield from _drained(unreadable)
        yield from _rows_of_image(model, group, log, reading, check, prefix_of, strange)
    yield from _drained(unreadable)


def _readable(samples: Iterable[Any], unreadable: list[_Row]) -> Iterator[Sample]:
    for number, source in enumerate(samples):
        try:
            sample = read_sample(number, source)
        except BadSampleError as error:
            unreadable.append(_Row(f"row {number}", fault=str(error)))
            continue
        yield sample


def _drained(rows: list[_Row]) -> list[_Row]:
    """What a list holds, which is empty afterwards."""
    taken = rows[:]
    rows.clear()
    return taken


def _rows_of_image(
    model: LoadedModel,
    group: Sequence[Sample],
    log: SampleLog,
    reading: dict[str, Any],
    check: Check | None,
    prefix_of: PrefixOf | None,
    strange: StrangePictures,
) -> Iterator[_Row]:
    """The rows of samples on one image, with the maps of those that the log does not hold."""
    try:
        pixels = open_image(group[0].image).pixels
    except BadImageError as error:
        yield from [_Row(sample.place, fault=str(error)) for sample in group]
        return
    strange.see(pixels)
    fit: list[tuple[Sample, str]] = []
    for sample in group:
        digest = sample_id(pixels, sample.phrase)
        try:
            if check is not None:
                check(sample, pixels, digest)
        except BadSampleError as error:
            yield _Row(sample.place, fault=str(error))
        else:
            fit.append((sample, digest))
    wanted = {digest: sample for sample, digest in fit if digest not in log}
    if wanted and prefix_of is not None:
        reading = {**reading, "prefix": prefix_of(group[0].image)}
    maps = _read(model, pixels, wanted, reading)
    for sample, digest in fit:
        row_maps = maps.get(digest)
        if isinstance(row_maps, str):
            yield _Row(sample.place, fault=row_maps)
        elif row_maps is None:
            yield _Row(sample.place, digest)
        else:
            yield _Row(sample.place, digest, (wanted[digest], row_maps))


def _read(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    wanted: dict[str, Sample],
    reading: dict[str, Any],
) -> dict[str, HeadMaps | str]:
    """Maps of all samples of one image, in one pass if every phrase is fit for the model.

    Returns:
        By digest the maps, or why the phrase is not fit.
    """
    if not wanted:
        return {}
    phrases = [sample.phrase for sample in wanted.values()]
    try:
        maps = read_heads(model, pixels, phrases, **reading)
    except BadPhraseError as error:
        if len(wanted) == 1:
            return dict.fromkeys(wanted, str(error))
        read: dict[str, HeadMaps | str] = {}
        for digest, sample in wanted.items():  # one of them is to blame: one by one
            read.update(_read(model, pixels, {digest: sample}, reading))
        return read
    return dict(zip(wanted, maps, strict=True))
