"""Reading many samples: one forward pass per image, bad rows skipped, finished ones never again."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vlmscope.attention import HeadMaps, read_heads
from vlmscope.data.images import open_image
from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import Sample, grouped, read_sample, sample_id
from vlmscope.errors import BadImageError, BadPhraseError, BadSampleError, VlmscopeWarning
from vlmscope.models import LoadedModel

__all__ = ["Survey", "survey"]

_BAD_ROW = (BadImageError, BadPhraseError, BadSampleError)

Check = Callable[[Sample, NDArray[np.uint8], str], None]
Measure = Callable[[Sample, HeadMaps], dict[str, Any]]


@dataclass
class Survey:
    """What became of the rows of a sample list.

    Attributes:
        ids: digests of the samples that were measured, in order; a sample may occur twice.
        skipped: one sentence for every row that could not be used.
    """

    ids: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def skip(self, row: int, reason: Exception) -> None:
        """Note why a row is left out."""
        self.skipped.append(f"row {row}: {reason}")


def survey(
    model: LoadedModel,
    samples: Iterable[Any],
    log: SampleLog,
    measure: Measure,
    *,
    reading: dict[str, Any],
    check: Check | None = None,
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
        progress: show a bar on stderr.
        title: of the bar.

    Raises:
        BadSampleError: when not one row can be used; says how many there were and the first reason.
    """
    found = Survey()
    total = len(samples) if isinstance(samples, Sized) else None
    with tqdm(total=total, desc=title, unit="sample", file=sys.stderr, disable=not progress) as bar:
        for group in grouped(_readable(samples, found)):
            _measure_group(model, group, log, measure, reading, check, found)
            bar.update(len(group))
    if not found.ids:
        rows = len(found.skipped)
        first = f" The first: {found.skipped[0]}" if found.skipped else ""
        raise BadSampleError(f"None of {rows} samples can be used.{first}")
    if found.skipped:
        warnings.warn(
            f"{len(found.skipped)} samples were skipped. The first: {found.skipped[0]}",
            VlmscopeWarning,
            stacklevel=3,
        )
    return found


def _readable(samples: Iterable[Any], found: Survey) -> Iterator[Sample]:
    for row, given in enumerate(samples):
        try:
            sample = read_sample(row, given)
        except BadSampleError as error:
            found.skip(row, error)
            continue
        yield sample


def _measure_group(
    model: LoadedModel,
    group: Sequence[Sample],
    log: SampleLog,
    measure: Measure,
    reading: dict[str, Any],
    check: Check | None,
    found: Survey,
) -> None:
    try:
        pixels = open_image(group[0].image).pixels
    except BadImageError as error:
        for sample in group:
            found.skip(sample.row, error)
        return
    fit: list[tuple[Sample, str]] = []
    for sample in group:
        digest = sample_id(pixels, sample.phrase)
        try:
            if check is not None:
                check(sample, pixels, digest)
        except BadSampleError as error:
            found.skip(sample.row, error)
        else:
            fit.append((sample, digest))
    todo = {digest: sample for sample, digest in fit if digest not in log}
    for (digest, sample), maps in _read(model, pixels, todo, reading, found):
        log.add(digest, measure(sample, maps))
    found.ids += [digest for _, digest in fit if digest in log]


def _read(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    todo: dict[str, Sample],
    reading: dict[str, Any],
    found: Survey,
) -> Iterator[tuple[tuple[str, Sample], HeadMaps]]:
    """Maps of all samples of one image, in one pass if every phrase is fit for the model."""
    items = list(todo.items())
    if not items:
        return
    try:
        maps = read_heads(model, pixels, [sample.phrase for _, sample in items], **reading)
    except BadPhraseError as error:
        if len(items) == 1:
            found.skip(items[0][1].row, error)
            return
        for digest, sample in items:  # one of them is to blame: go through them one by one
            yield from _read(model, pixels, {digest: sample}, reading, found)
        return
    yield from zip(items, maps, strict=True)
