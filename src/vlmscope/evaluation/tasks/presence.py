"""Presence: is the class in the image at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import IGNORE, EvalSample, WordList
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.methods.encoder.presence_rules import PRESENCE_RULES
from vlmscope.methods.encoder.similarity import PRESENCE
from vlmscope.metrics.paired import DrawnScore
from vlmscope.metrics.roc_auc import AreaScore, roc_auc

__all__ = ["Presence"]

_DIGITS = 6
_KINDS = ("presence", "peak", "rivals")


class Presence(ImageTask):
    """ROC-AUC of the presence score, beside those of the map's peak and of presence among rivals."""

    id = "presence"
    definition = (
        "area under the ROC curve over all pairs of image and class of the word list: present means "
        "one pixel at least, of any size; 'presence AUC' scores a pair by the "
        f"{PRESENCE}, 'peak AUC' by the largest similarity of a patch, 'rivals AUC' by the "
        f"{PRESENCE_RULES['rivals']}"
    )
    dense = True

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """Indices of the classes that are there, and the scores of every class.

        Raises:
            BadSampleError: a sample without a label map.
        """
        if sample.labels is None:
            raise BadSampleError("The image has no label map, which presence needs.")
        evidence = result.evidence()
        return {
            "there": [int(index) for index in np.unique(sample.labels) if index != IGNORE],
            "peak": [round(float(value), _DIGITS) for value in evidence.peak],
            "presence": [round(float(value), _DIGITS) for value in evidence.presence],
            "rivals": [round(float(value), _DIGITS) for value in evidence.rivals],
        }

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        classes, present = len(words), _present(records, words)
        images = [image for image in records for _ in range(classes)]
        spread = (present.size, "pairs", len(records))
        detail = {"present": int(present.sum())}
        scores = []
        both = present.any() and not present.all()
        for key in _KINDS:
            values = _values(records, key)
            area = roc_auc(values, present.ravel(), images, seed=seed) if both else None
            scores.append(Score(f"{key} AUC", area, *spread, detail=detail))
        return scores

    def drawn(self, records: Mapping[str, Any], words: WordList) -> Sequence[DrawnScore]:
        ids, present = tuple(records), _present(records, words).ravel()
        groups = np.repeat(np.arange(len(ids)), len(words))
        return [
            AreaScore(f"{key} AUC", ids, _values(records, key), present, groups) for key in _KINDS
        ]


def _present(records: Mapping[str, Any], words: WordList) -> NDArray[np.bool_]:
    """Bool (images, classes)."""
    present = np.zeros((len(records), len(words)), dtype=bool)
    for row, record in enumerate(records.values()):
        present[row, record["there"]] = True
    return present


def _values(records: Mapping[str, Any], key: str) -> NDArray[np.float64]:
    """Float (images * classes,)."""
    return np.array([value for record in records.values() for value in record[key]], dtype=float)
