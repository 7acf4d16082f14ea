"""POPE: yes or no in words, and presence without an answer over the same pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.spoken_results import SpokenImageResult, answer_row, silent_notes
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.metrics import Absent, Pope

__all__ = ["YesOrNoQuestions"]

_EXACT = Pope("exact")
_FIRST = Pope()


class YesOrNoQuestions(ImageTask):
    """POPE's scores of a model's answers; of a method, whether its scores tell present from absent."""

    id = "pope"
    definition = (
        f"POPE, of answers in words: {_FIRST.definition}; the same names with (exact): "
        f"{_EXACT.definition}; presence AUC, without a word written: {Absent.definition.split(': ')[1]}, "
        "a pair being an image and the object that a question asks for: of answers by "
        "p(yes) / (p(yes) + p(no)) of the first token, of methods by the score of 'a {object}' "
        "(score AUC) and, where they have one, by what they make of the whole image (presence AUC); "
        "encoders put the bare name into their template"
    )
    listed = True
    told = True

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """A row per question: what was said, or what speaks for the object."""
        if isinstance(result, SpokenImageResult):
            return [
                {
                    "id": each.asked.id,
                    "image": sample.image_id,
                    **answer_row(each),
                    "truth": each.asked.truth,
                    "evidence": {"presence": each.yes},
                }
                for each in result.spoken()
            ]
        return [
            {
                "id": referent.id,
                "image": sample.image_id,
                "text": referent.label,
                "truth": not referent.absent,
                "evidence": {
                    **({} if place.score is None else {"score": float(place.score)}),
                    **place.evidence,
                },
            }
            for referent, place in zip(sample.referents, result.places(), strict=True)
        ]

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        rows = [row for record in records.values() for row in record]
        spoken = [row for row in rows if "answer" in row]
        return [*(_said(spoken, seed) if spoken else ()), *_presence(rows, seed)]


def _said(rows: Sequence[Mapping[str, Any]], seed: int) -> list[Score]:
    scores = []
    for metric, mark in ((_FIRST, ""), (_EXACT, " (exact)")):
        records = [metric.record(r["id"], r["image"], r["answer"], truth=r["truth"]) for r in rows]
        scores += [
            replace(each, metric=f"{each.metric}{mark}")
            for each in metric.scores(records, seed=seed)
        ]
    first, *rest = scores
    return [replace(first, detail={**first.detail, **silent_notes(rows)}), *rest]


def _presence(rows: Sequence[Mapping[str, Any]], seed: int) -> list[Score]:
    """The area under the ROC curve of every kind of evidence that all rows have."""
    kinds = [kind for kind in rows[0]["evidence"] if all(_has(row, kind) for row in rows)]
    scores = []
    for kind in kinds:
        records = [
            Absent().record(r["id"], r["image"], r["evidence"][kind], absent=not r["truth"])
            for r in rows
        ]
        [area] = Absent().scores(records, seed=seed)
        scores.append(replace(area, metric=f"{kind} AUC", unit="pairs"))
    return scores


def _has(row: Mapping[str, Any], kind: str) -> bool:
    return row["evidence"].get(kind) is not None
