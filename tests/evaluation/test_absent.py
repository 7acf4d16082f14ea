"""What is absent has no place to point at, and ignored pixels count for nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.datasets import NOWHERE, EvalSample, Referent, WordList, open_dataset
from vlmscope.data.images import open_image
from vlmscope.data.targets import Target
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.image_results import GroundedImageResult, ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.rows import sentence_rows
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.tasks import TASKS
from vlmscope.types import Box

WORDS = WordList.plain(["object"], "none")


class Planted(GroundedImageResult):
    """The same answer to everything."""

    def __init__(self, mask: np.ndarray, box: Box, count: int) -> None:
        object.__setattr__(self, "planted", [Place(mask, box, (1.0, 1.0), 0.5)] * count)

    def pointing(self) -> list[tuple[int, float]]:
        return [(1, 0.25)] * len(self.planted)  # type: ignore[attr-defined]

    def places(self) -> list[Place]:
        return self.planted  # type: ignore[attr-defined, no-any-return]


def test_tasks_of_places_leave_out_what_is_absent_and_ignored() -> None:
    mask, ignore = np.zeros((4, 6), dtype=bool), np.zeros((4, 6), dtype=bool)
    mask[:2, :3], ignore[0] = True, True
    there = Referent("cat", ("cat",), Target((0.0, 0.0, 3.0, 2.0), mask), "1", ignore=ignore)
    absent = Referent("dog", ("dog",), NOWHERE, "2", absent=True)
    image = open_image(np.zeros((4, 6, 3), np.uint8))
    sample = EvalSample("1", image, (there, absent))
    result: ImageResult = Planted(np.ones((4, 6), dtype=bool), (0.0, 0.0, 3.0, 2.0), 2)
    assert TASKS.get("pointing").record(sample, result, WORDS) == [["cat", 1, 0.25]]
    first, second = sentence_rows(sample, result, False)
    assert (first["iou"], first["inside"], first["union"]) == (1.0, 3, 18)
    assert (second["absent"], second["truth"], second["iou"], second["mask_iou"]) == (True,) + (
        None,
    ) * 3
    assert (second["inside"], second["union"], second["score"]) == (0, 24, 0.5)
    scores = {each.metric: each for each in TASKS.get("referring").scores([first, second], None, 0)}
    assert {each.n for each in scores.values()} == {1}


@pytest.mark.parametrize("model", ["tiny-clip", "tiny-llava"])
def test_a_set_with_absent_targets_is_evaluated_on_the_others(tmp_path: Path, model: str) -> None:
    make_tiny("grefcoco", tmp_path / "set", 2)
    data = open_dataset("grefcoco", tmp_path / "set")
    referents = [r for i in data.image_ids for r in data.load(i).referents]
    there = sum(not referent.absent for referent in referents)
    assert 0 < there < len(referents)
    method = "gem" if model == "tiny-clip" else "mean-attention"
    found = evaluate(data, vs.load(model, device="cpu"), choose([method]), progress=False).runs[0]
    assert {score.n for score in found.scores if score.metric in ("pointing", "Acc@0.5")} == {there}
