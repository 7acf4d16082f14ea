"""CHAIR: objects that a description names and the image does not show (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from vlmscope.metrics.image_sums import ImageSums
from vlmscope.metrics.records import Record, Records, entry, header
from vlmscope.metrics.score import Score

__all__ = ["Chair"]

_CAPTIONS, _MENTIONS, _TRUE = "captions", "mentions", "true objects"
_SILENT = "CHAIR without objects"
_BARE = "picture of which nobody names an object, so that all that is named counts as imagined"


class Chair:
    """CHAIRs over descriptions, CHAIRi over mentions, and what silence would hide."""

    definition: ClassVar[str] = (
        "CHAIRs: share of descriptions with an imagined object; CHAIRi: share of mentions of objects "
        "that are imagined, an object named twice counting twice; CHAIR recall: share of the true "
        "objects that are named; CHAIR without objects: share of descriptions that name none, which "
        "count as without fault in CHAIRs and not at all in CHAIRi; less is better but for recall"
    )

    def record(
        self,
        sample: str | int,
        image: str | int,
        mentioned: Sequence[str],
        true: Collection[str],
    ) -> Record:
        """``{"id", "image", "mentioned", "imagined", "true"}`` of one description.

        Args:
            sample, image: ids, see :func:`vlmscope.metrics.records.header`.
            mentioned: the objects named, in order, each as often as it is named.
            true: the objects that are there.

        Raises:
            BadSampleError: ids that are none.
        """
        imagined = [name for name in mentioned if name not in true]
        named = {"mentioned": list(mentioned), "imagined": imagined, "true": sorted(true)}
        return {**header(sample, image), **named}

    def scores(self, records: Records, *, seed: int = 0) -> list[Score]:
        """``CHAIRs``, ``CHAIRi``, ``CHAIR recall`` and ``CHAIR without objects``.

        CHAIRi is without an interval where no description names an object.

        Args:
            records: one per description, read once.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: a description that is there twice, or another metric's record.
        """
        sums = ImageSums.of(records, _measured)
        [sentences, silent] = sums.scores(
            ["CHAIRs", _SILENT], over=_CAPTIONS, unit=_CAPTIONS, seed=seed
        )
        [mentions] = sums.scores(["CHAIRi"], over=_MENTIONS, unit=_MENTIONS, seed=seed)
        [recall] = sums.scores(["CHAIR recall"], over=_TRUE, unit=_TRUE, seed=seed)
        quiet = round(float(sums[_SILENT].sum()))
        if quiet:
            notes = {"description that names no object of the list": quiet}
            silent = replace(silent, detail={**silent.detail, "notes": notes})
        bare = round(float(sums[_BARE].sum()))
        if bare:
            notes = {_BARE: bare}
            recall = replace(recall, detail={**recall.detail, "notes": notes})
        return [sentences, mentions, recall, silent]


def _measured(record: Mapping[str, Any]) -> dict[str, float]:
    mentioned, imagined = entry(record, "mentioned"), entry(record, "imagined")
    true = set(entry(record, "true"))
    return {
        _CAPTIONS: 1.0,
        _MENTIONS: float(len(mentioned)),
        _TRUE: float(len(true)),
        "CHAIRs": float(bool(imagined)),
        "CHAIRi": float(len(imagined)),
        "CHAIR recall": float(len(true & set(mentioned))),
        _SILENT: float(not mentioned),
        _BARE: float(not true),
    }
