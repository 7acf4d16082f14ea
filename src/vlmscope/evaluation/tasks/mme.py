"""MME: two questions of yes or no on each picture, by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.spoken_results import SpokenImageResult, answer_row, silent_notes
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.metrics import Mme

__all__ = ["PairedQuestions"]

_ALWAYS = "always yes"


class PairedQuestions(ImageTask):
    """MME's scores of a model's answers, beside those of who always says yes."""

    id = "mme"
    definition = (
        f"MME, of answers in words: {Mme.definition}; acc and acc+ of each category and MME unparsed: "
        f"{Mme.parts_definition}; ({_ALWAYS}): the same questions, all answered yes"
    )
    listed = True
    told = True

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """A row per question of the picture.

        Raises:
            BadSampleError: a run that answers nothing in words.
        """
        if not isinstance(result, SpokenImageResult):
            raise BadSampleError("MME needs answers in words.")
        return [
            {
                "id": each.asked.id,
                "image": sample.image_id,
                **answer_row(each),
                "category": each.asked.category,
                "truth": each.asked.truth,
                "evidence": {"answer": each.yes},
            }
            for each in result.spoken()
        ]

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        rows = [row for record in records.values() for row in record]
        metric = Mme()
        said = [_record(metric, row, row["answer"]) for row in rows]
        found = [*metric.scores(said, seed=seed), *metric.parts(said, seed=seed)]
        base = metric.scores([_record(metric, row, "yes") for row in rows], seed=seed)
        first, *rest = found
        counted = replace(first, detail={**first.detail, **silent_notes(rows)})
        return [counted, *rest, *(replace(e, metric=f"{e.metric} ({_ALWAYS})") for e in base)]


def _record(metric: Mme, row: Mapping[str, Any], answer: str) -> dict[str, Any]:
    return metric.record(row["id"], row["image"], row["category"], answer, truth=row["truth"])
