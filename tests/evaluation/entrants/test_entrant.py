"""A trial lets every entrant look once, and those that start from another share its result."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from vlmscope.data.datasets import NOWHERE, EvalSample, Referent
from vlmscope.data.images import open_image
from vlmscope.data.targets import Target
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place, ScoredBox
from vlmscope.evaluation.rows import sentence_rows

PICTURE = open_image(np.zeros((4, 6, 3), np.uint8))


class Said(ImageResult):
    """The same place for every referent."""

    def __init__(self, places: list[Place]) -> None:
        self._places = places

    def pointing(self) -> list[tuple[int, float]]:
        return [(1, 0.5)] * len(self._places)

    def places(self) -> list[Place]:
        return self._places

    def classes(self) -> Any:
        raise NotImplementedError

    def evidence(self) -> Any:
        raise NotImplementedError


class Looking(Entrant):
    """Counts how often it looks, and starts from another where one is given."""

    def __init__(self, label: str, base: Entrant | None = None) -> None:
        self.label, self.base, self.looks = label, base, 0

    id = property(lambda self: "looking")
    digest = property(lambda self: self.label)

    def setting(self) -> dict[str, Any]:
        return {"options": {}}

    def result(self, trial: Trial) -> ImageResult:
        self.looks += 1
        return Said([]) if self.base is None else trial.result_of(self.base)


@pytest.mark.parametrize("itself", [True, False])
def test_entrants_that_start_from_another_share_its_result(itself: bool) -> None:
    base = Looking("base")
    drawn = [Looking(name, base) for name in ("box", "point")]
    again = Looking("again", drawn[0])
    asked = [*([base] if itself else []), *drawn, again]
    trial = Trial(EvalSample("1", PICTURE, ()), asked)
    assert {each.label for each in trial.entrants} == {"base", "box", "point", "again"}
    results = [trial.result_of(each) for each in asked]
    assert len(set(map(id, results))) == 1
    assert [each.looks for each in (base, *drawn, again)] == [1, 1, 1, 1]


def test_a_result_that_nobody_will_ask_for_again_is_let_go_of() -> None:
    base = Looking("base")
    drawn = Looking("box", base)
    trial = Trial(EvalSample("1", PICTURE, ()), [base, drawn])
    kept = weakref.ref(trial.result_of(base))
    gc.collect()
    assert kept() is not None
    trial.result_of(drawn)
    gc.collect()
    assert kept() is None


def test_what_is_shared_is_made_once() -> None:
    trial, made = Trial(EvalSample("1", PICTURE, ()), []), []
    for _ in range(2):
        assert trial.shared("pass", lambda: made.append(1) or len(made)) == 1


def test_rows_of_whoever_gives_boxes_alone() -> None:
    mask = np.zeros((4, 6), dtype=bool)
    mask[:2, :3] = True
    there = Referent("cat", ("cat",), Target((0.0, 0.0, 3.0, 2.0), mask), "1")
    absent = Referent("dog", ("dog",), NOWHERE, "2", absent=True)
    box = (0.0, 0.0, 3.0, 1.0)
    objects = (ScoredBox(box, None), ScoredBox((1.0, 1.0, 2.0, 2.0), 0.25))
    place = Place(None, box, (1.5, 0.5), None, objects=objects, remarks={"answer": "[0, 0, 3, 1]"})
    sample = EvalSample("1", PICTURE, (there, absent))
    first, second = sentence_rows(sample, Said([place, place]), True)
    assert (first["iou"], first["mask_iou"], first["inside"], first["union"]) == (0.5,) + (
        None,
    ) * 3
    assert (second["absent"], second["inside"], second["union"]) == (True, None, None)
    assert first["score"] is None and first["answer"] == "[0, 0, 3, 1]"
    assert first["boxes"] == [[0.0, 0.0, 3.0, 1.0], [1.0, 1.0, 2.0, 2.0]]
    assert first["scores"] == [None, 0.25]
