"""From what was found in an image to its rows (vlmscope.labels.schema)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.coco_masks import lengths_of_mask, lengths_text
from vlmscope.data.images import OpenedImage
from vlmscope.evaluation.evidence.kinds import ATTENTION_PRESENCE
from vlmscope.labels.labelled import Row
from vlmscope.labels.picture_hash import picture_hash
from vlmscope.labels.schema import FIELDS
from vlmscope.results import Grounding
from vlmscope.types import Instance

__all__ = ["RowMaker", "picture_row", "presence_of"]

_BLANK: Row = {field.name: None for field in FIELDS}


@dataclass(frozen=True)
class RowMaker:
    """What all rows of a job have in common.

    Attributes:
        common: values of the columns method, model, revision, heads and version.
        instances: a row for every object of a phrase, not for the first alone.
        masks: with their masks.
        least_score: an object below it is left out; None: none is.
    """

    common: Row
    instances: bool = False
    masks: bool = False
    least_score: float | None = None

    def labelled(
        self, id: str, picture: Row, groundings: Sequence[Grounding], seconds: float
    ) -> list[Row]:
        """The rows of an image, in the order of its phrases; ``seconds`` is shared out over them.

        Args:
            id: of the image.
            picture: what :func:`picture_row` says of it.
            groundings: one a phrase.
            seconds: that all of it took.
        """
        base = {**_BLANK, **self.common, "id": id, **picture}
        rows = [row for each in groundings for row in self._of_phrase(base, each)]
        return [{**row, "seconds": seconds / len(rows)} for row in rows]

    def failed(
        self, id: str, kind: str, message: str, picture: Row | None, seconds: float
    ) -> list[Row]:
        """The one row of an image that could not be labelled."""
        reason = " ".join(message.split())
        row = {
            **_BLANK,
            **self.common,
            "id": id,
            **(picture or {}),
            "error": kind,
            "message": reason,
        }
        return [{**row, "warnings": [], "seconds": seconds}]

    def _of_phrase(self, base: Row, grounding: Grounding) -> list[Row]:
        base = {
            **base,
            "phrase": grounding.phrase,
            "presence": presence_of(grounding),
            "warnings": list(grounding.warnings),
        }
        kept = [each for each in self._objects(grounding) if self._is_kept(each.score)]
        if not kept:
            return [self._without_object(base, grounding)]
        return [
            {**base, "instance": number, **self._of_object(each)}
            for number, each in enumerate(kept)
        ]

    def _objects(self, grounding: Grounding) -> Sequence[Instance]:
        """Best first; none when nothing lights up."""
        if self.instances:
            return grounding.instances
        if grounding.box is None or grounding.point is None:
            return ()
        # the other objects need not be looked for
        return (Instance(grounding.box, grounding.mask, grounding.point, grounding.score),)

    def _is_kept(self, score: float) -> bool:
        return self.least_score is None or score >= self.least_score

    def _without_object(self, base: Row, grounding: Grounding) -> Row:
        score = float(grounding.score)
        row = {**base, "score": score if np.isfinite(score) else None}
        if grounding.box is not None:  # there was one, below the least score
            text = f"The score {score:.4g} is below the least score, {self.least_score:g}."
            row["warnings"] = [*base["warnings"], text]
        return row

    def _of_object(self, found: Instance) -> Row:
        return {
            "box": [float(value) for value in found.box],
            "point": [float(value) for value in found.point],
            "score": float(found.score),
            "mask": _run_lengths(found.mask) if self.masks else None,
        }


def presence_of(grounding: Grounding) -> float | None:
    """Whether the phrase is in the image at all, as the method tells it; None: it does not.

    It is what ``vlmscope eval --evidence presence`` measures.
    """
    if "presence" in grounding.details:
        return float(grounding.details["presence"])
    if grounding.method in ATTENTION_PRESENCE and grounding.located is not None:
        return float(grounding.located.weights.sum())
    return None


def picture_row(opened: OpenedImage) -> Row:
    """The columns that say what picture it is."""
    height, width = opened.size
    return {"width": width, "height": height, "picture_hash": picture_hash(opened.pixels)}


def _run_lengths(mask: NDArray[np.bool_]) -> Row:
    return {"size": list(mask.shape), "counts": lengths_text(lengths_of_mask(mask))}
