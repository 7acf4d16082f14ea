"""CHAIR: objects that a description names although the image does not show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from vlmscope.analysis.knockout.objects import ObjectWords
from vlmscope.analysis.knockout.spoken_objects import WORD_RULE, mentions_of, objects_for
from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score
from vlmscope.evaluation.spoken_results import SpokenImageResult, answer_row, silent_notes
from vlmscope.evaluation.tasks.base import ImageTask
from vlmscope.metrics import Chair

__all__ = ["Descriptions"]


class Descriptions(ImageTask):
    """CHAIRs and CHAIRi of what a model writes about an image."""

    id = "chair"
    definition = (
        "objects that the model's description names; true are those that somebody outlined or that a "
        f"caption names; {Chair.definition}; words: {WORD_RULE}"
    )
    listed = True

    def check(self, words: WordList) -> None:
        """Raise BadOptionError for objects that are read alike."""
        _objects(words.labels)

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """A record for each description of the image.

        Raises:
            BadSampleError: an image of which nobody says what it shows.
        """
        truth = sample.described
        if truth is None or not isinstance(result, SpokenImageResult):
            raise BadSampleError("CHAIR needs a description, and what is true of the image.")
        objects = _objects(tuple(truth.known))
        true = {*truth.objects, *(m.name for c in truth.captions for m in mentions_of(c, objects))}
        return [
            {
                **Chair().record(
                    each.asked.id,
                    sample.image_id,
                    [mention.name for mention in mentions_of(each.text, objects)],
                    true,
                ),
                **answer_row(each),
            }
            for each in result.spoken()
        ]

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        rows = [row for record in records.values() for row in record]
        first, *rest = Chair().scores(rows, seed=seed)
        return [replace(first, detail={**first.detail, **silent_notes(rows)}), *rest]


@cache
def _objects(known: tuple[str, ...]) -> ObjectWords:
    return objects_for(known)
