"""What discovery measures for several criteria at once: every phrase is read once, whatever the draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import image_id
from vlmscope.errors import BadSampleError, UnsupportedError
from vlmscope.heads.discover import chosen_heads
from vlmscope.heads.measures import measure
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.heads.readings import (
    ALONE,
    ReadGroup,
    coordinate_reading,
    read_with_distractors,
)
from vlmscope.heads.survey import Survey, survey
from vlmscope.models import LoadedModel
from vlmscope.types import HeadSet

__all__ = ["Candidate", "candidates_of", "halves"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One criterion with the measurements that it ranks by.

    Attributes:
        model: that was read.
        options: of discovery, with the criterion.
        records: digest of a sample -> what was measured, in order.
        skipped: one sentence for every row that the criterion cannot use.
        whole: the heads chosen on all samples.
    """

    model: LoadedModel
    options: DiscoveryOptions
    records: Mapping[str, dict[str, Any]]
    skipped: tuple[str, ...]
    whole: HeadSet

    @property
    def pictures(self) -> set[str]:
        """Digests of the pictures that its samples are on."""
        return set(map(image_id, self.records))

    def on(self, pictures: set[str]) -> HeadSet:
        """The heads chosen on the samples of some pictures alone.

        Raises:
            BadSampleError: none of its samples is on them.
            UnsupportedError: no head's attention has any structure on them.
        """
        records = {key: each for key, each in self.records.items() if image_id(key) in pictures}
        if not records:
            raise BadSampleError(
                f"A random half of the pictures holds none of its {len(self.records)} usable samples. "
                "Give more of them."
            )
        return _choose(self.model, self.options, records, ())


def candidates_of(
    model: LoadedModel,
    samples: Iterable[Any],
    criteria: Sequence[str],
    options: DiscoveryOptions,
    *,
    progress: bool,
) -> tuple[dict[str, Candidate], dict[str, str]]:
    """Read samples once for all criteria of a phrase's row, and once more where boxes are asked for.

    Args:
        model: the model.
        samples: as for :func:`discover_heads`; can be gone through again.
        criteria: names.
        options: the other options of discovery.
        progress: show bars on stderr.

    Returns:
        By criterion what it has, and why it has nothing; each criterion is in one of the two.
    """
    source = _Source(model, samples, options, "contrastive" in criteria, progress)
    found: dict[str, Candidate] = {}
    failed: dict[str, str] = {}
    readings: dict[bool, _Read | str] = {}
    for name in criteria:
        settings = replace(options, criterion=name)
        boxes = settings.criterion == "coordinates"
        if boxes not in readings:
            readings[boxes] = source.read(boxes)
        try:
            found[name] = _candidate(model, settings, readings[boxes])
        except (BadSampleError, UnsupportedError) as error:
            failed[name] = str(error)
    return found, failed


@dataclass(frozen=True, eq=False)
class _Read:
    records: dict[str, dict[str, Any]]
    skipped: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Source:
    model: LoadedModel
    samples: Iterable[Any]
    options: DiscoveryOptions
    contrast: bool
    progress: bool

    def read(self, boxes: bool) -> _Read | str:
        """Every usable sample's record, or why there is none."""
        options, log = self.options, SampleLog(None, {})
        reading = {
            "rows": options.rows,
            "preset": options.preset,
            "placement": options.placement,
            "first_layer": options.skip_layers,
        }
        try:
            surveyed = survey(
                self.model,
                self.samples,
                log,
                lambda sample, maps: {**measure(maps), "place": sample.place},
                reading=reading,
                progress=self.progress,
                title="asking for boxes" if boxes else "reading phrases",
                read_group=self._group(boxes),
            )
        except (BadSampleError, UnsupportedError) as error:
            return str(error)
        return _Read({digest: log[digest] for digest in surveyed.ids}, surveyed.skipped)

    def _group(self, boxes: bool) -> ReadGroup | None:
        if boxes:
            return coordinate_reading(self.model, self.options.skip_layers, self.options.preset)
        return read_with_distractors if self.contrast else None


def _candidate(model: LoadedModel, options: DiscoveryOptions, read: _Read | str) -> Candidate:
    """Of what was read, what a criterion can use.

    Raises:
        BadSampleError: nothing.
        UnsupportedError: no head's attention has any structure.
    """
    if isinstance(read, str):
        raise BadSampleError(read)
    records, skipped = read.records, list(read.skipped)
    if options.criterion == "contrastive":
        alone = [each["place"] for each in records.values() if "moved" not in each]
        skipped += [f"{place}: {ALONE}" for place in alone]
        records = {key: each for key, each in records.items() if "moved" in each}
    if not records:
        raise BadSampleError(f"None of {len(skipped)} samples can be used. The first: {skipped[0]}")
    whole = _choose(model, options, records, tuple(skipped))
    return Candidate(model, options, records, tuple(skipped), whole)


def _choose(
    model: LoadedModel,
    options: DiscoveryOptions,
    records: Mapping[str, dict[str, Any]],
    skipped: tuple[str, ...],
) -> HeadSet:
    surveyed = Survey(tuple(records), skipped)
    return chosen_heads(model, options, list(records.values()), surveyed)


def halves(pictures: Sequence[str], draws: int, seed: int) -> list[set[str]]:
    """Random halves of pictures, the same for every criterion.

    Args:
        pictures: their digests, in order.
        draws: how many halves.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    size = max(1, len(pictures) // 2)
    return [
        {pictures[number] for number in rng.permutation(len(pictures))[:size]} for _ in range(draws)
    ]
