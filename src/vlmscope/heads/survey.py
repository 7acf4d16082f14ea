"""Reading many samples: one forward pass per image or batch, bad rows skipped, finished ones never again."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vlmscope.data.resume import SampleLog, how_many, measured
from vlmscope.data.skipped import skipped_samples
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import (
    BadImageError,
    BadPhraseError,
    BadSampleError,
    SkippedWarning,
)
from vlmscope.heads.readings import ReadGroup
from vlmscope.heads.sample_rows import Check, Measure, PrefixOf, Row, SampleDesk
from vlmscope.models import LoadedModel

__all__ = ["Survey", "survey"]

_BAD_ROW = (BadImageError, BadPhraseError, BadSampleError)


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
    batch: int = 1,
    read_group: ReadGroup | None = None,
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
        batch: how many images are looked at side by side; not where prefixes are given.
        read_group: reads all samples of a picture together, in place of ``read_heads``.

    Raises:
        BadSampleError: when not one row can be used; says how many there were and the first reason.
    """
    strange = StrangePictures(model)
    desk = SampleDesk(model, log, reading, check, prefix_of, strange, batch, read_group)
    done = measured(
        desk.rows(samples),
        log,
        lambda row: row.measured_by(measure),
        key=Row.usable_digest,
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
