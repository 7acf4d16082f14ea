"""Heads that were found on the images that are scored: their scores say less."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from vlmscope.data.samples import image_id
from vlmscope.evaluation.scores import RunScores
from vlmscope.types import HeadSet

__all__ = ["Overlap", "overlap_of", "overlap_warnings"]


class Overlap(NamedTuple):
    """How many of the scored images a head set was found on.

    Attributes:
        images: those that it was.
        scored: all of them.
    """

    images: int
    scored: int

    def sentence(self, label: str) -> str:
        """For a report."""
        return (
            f"{label} reads heads that were found on {self.images:,} of the {self.scored:,} images that "
            "are scored here: no labels were used, but the scores are not those of new images. Find "
            "heads on another split: vlmscope heads discover"
        )


def overlap_of(heads: HeadSet, pictures: Iterable[str]) -> Overlap | None:
    """The overlap, told by the pixels; None: the set does not say on which samples it was found.

    Args:
        heads: a head set with ``sample_ids``.
        pictures: digests of the scored images (:func:`vlmscope.data.samples.picture_id`).
    """
    if not heads.sample_ids:
        return None
    found_on = {image_id(digest) for digest in heads.sample_ids}
    scored = [picture in found_on for picture in pictures]
    return Overlap(sum(scored), len(scored))


def overlap_warnings(runs: Sequence[RunScores]) -> tuple[str, ...]:
    """A sentence for each run whose heads were found on images that are scored."""
    stated = ((run.label, run.setting.get("heads_overlap")) for run in runs)
    overlaps = ((label, Overlap(**each)) for label, each in stated if each is not None)
    return tuple(overlap.sentence(label) for label, overlap in overlaps if overlap.images)
