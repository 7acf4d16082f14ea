"""Tasks on answers that are known: every score by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vlmscope.data.datasets import IGNORE, EvalSample, LabelledPoint, Referent, WordList
from vlmscope.data.images import open_image
from vlmscope.data.targets import Target
from vlmscope.errors import BadSampleError, UnknownNameError
from vlmscope.evaluation.image_results import ClassEvidence, ImageResult
from vlmscope.evaluation.places import Place, ScoredBox
from vlmscope.evaluation.rows import sentence_rows
from vlmscope.evaluation.tasks import TASKS
from vlmscope.types import Box

WORDS = WordList.plain(["cat", "dog", "bus"], "three")
IMAGE = open_image(np.zeros((4, 6, 3), np.uint8))


class Planted(ImageResult):
    """Answers that were written down."""

    def __init__(
        self,
        hits: list[tuple[int, float]] | None = None,
        places: list[Place] | None = None,
        labels: Any = (),
        evidence: ClassEvidence | None = None,
    ) -> None:
        self._hits, self._places = hits or [], places or []
        self._labels, self._evidence = np.array(labels, dtype=np.int64), evidence

    def pointing(self) -> list[tuple[int, float]]:
        return self._hits

    def places(self) -> list[Place]:
        return self._places

    def classes(self) -> np.ndarray:
        return self._labels

    def evidence(self) -> ClassEvidence:
        assert self._evidence is not None
        return self._evidence


def referent(label: str, mask: np.ndarray | None = None) -> Referent:
    return Referent(label, (label,), Target((0.0, 0.0, 3.0, 2.0), mask))


def sample(*referents: Referent, labels: np.ndarray | None = None) -> EvalSample:
    return EvalSample("1", IMAGE, referents, labels)


def test_pointing_counts_pairs_and_images() -> None:
    task = TASKS.get("pointing")
    first = task.record(
        sample(referent("cat"), referent("dog")), Planted([(1, 0.2), (0, 0.4)]), WORDS
    )
    second = task.record(sample(referent("bus")), Planted([(1, 0.6)]), WORDS)
    assert first == [["cat", 1, 0.2], ["dog", 0, 0.4]]
    empty = task.record(sample(), Planted(), WORDS)
    pointing, chance = task.scores({"1": first, "2": second, "3": empty}, WORDS, 0)
    assert (pointing.metric, pointing.n, pointing.unit, pointing.images) == (
        "pointing",
        3,
        "pairs",
        2,
    )
    assert pointing.interval is not None and chance.interval is not None
    assert pointing.interval.value == pytest.approx(2 / 3)
    assert chance.interval.value == pytest.approx(0.4)


def test_pairs_of_one_image_are_resampled_together() -> None:
    """Four images that are all right or all wrong: four samples, not forty."""
    records = {str(i): [["cat", i % 2, 0.5]] * 10 for i in range(4)}
    apart = {f"{i}-{j}": [["cat", i % 2, 0.5]] for i in range(4) for j in range(10)}
    [together, _], [each, _] = (TASKS.get("pointing").scores(r, WORDS, 0) for r in (records, apart))
    assert together.interval is not None and each.interval is not None
    assert together.interval[:] != each.interval[:]
    assert together.interval.high - together.interval.low > 0.9
    assert each.interval.high - each.interval.low < 0.4


def test_segmentation_ignores_what_has_no_class() -> None:
    task = TASKS.get("segmentation")
    labels = np.full((4, 6), IGNORE, dtype=np.int32)
    labels[0, :4] = 0
    labels[1, :2] = 2
    record = task.record(sample(labels=labels), Planted(labels=[0, 0, 0, 1, 2, 0]), WORDS)
    assert record == [[0, 0, 3], [0, 1, 1], [2, 0, 1], [2, 2, 1]]
    miou, present, accuracy = task.scores({"1": record, "2": []}, WORDS, 0)
    assert miou.interval is not None and accuracy.interval is not None
    assert miou.interval.value == pytest.approx((3 / 5 + 0 + 1 / 2) / 3)  # dog is only predicted
    assert present.interval is not None and present.metric == "mIoU present"
    assert present.interval.value == pytest.approx((3 / 5 + 1 / 2) / 2)
    assert present.detail == {"classes_present": 2, "classes": 3}
    assert accuracy.interval.value == pytest.approx(4 / 6)
    assert (miou.n, miou.unit, miou.images) == (6, "pixels", 1)
    assert miou.detail == {
        "classes_present": 2,
        "classes": 3,
        "iou_by_class": {"cat": 0.6, "bus": 0.5},
        "mmseg": {"value": round(1.1 / 3, 6), "classes": 3},  # dog is only predicted
    }


def pointed_out(label: str, *points: LabelledPoint) -> Referent:
    return replace(referent(label), points=points)


def test_labelled_points_are_held_against_the_mask_or_the_boxes() -> None:
    task = TASKS.get("labelled-points")
    yes, no = LabelledPoint(1, 1, "yes"), LabelledPoint(4, 2, "no")
    cat = pointed_out("cat", yes, no, LabelledPoint(5, 3, "yes"), LabelledPoint(0, 0, "unsure"))
    dog = pointed_out("dog", yes, no)
    mask = np.zeros((4, 6), dtype=bool)
    mask[1, 1] = mask[2, 4] = True
    boxes = (ScoredBox((1.0, 1.0, 2.0, 2.0), None), ScoredBox((4.0, 3.0, 6.0, 4.0), None))
    places = [
        Place(mask, None, None, 0.5),
        Place(None, None, None, None, objects=boxes),
    ]
    record = task.record(sample(cat, dog), Planted(places=places), WORDS)
    assert [row["class"] for row in record] == ["cat", "dog"]
    counts = [[row[k] for k in ("both", "predicted", "true", "neither")] for row in record]
    assert counts == [[1, 1, 1, 0], [1, 0, 0, 1]]
    mean, pooled = task.scores({"1": record, "2": []}, WORDS, 0)
    assert mean.metric == "points mIoU" and pooled.metric == "points mIoU pooled"
    assert mean.interval is not None
    # cat: one of three for yes, none of two for no; dog: all right
    assert mean.interval.value == pytest.approx(((1 / 3 + 0) / 2 + 1) / 2)
    assert (mean.n, mean.unit, mean.images) == (2, "pairs", 1)


def test_presence_compares_both_scores() -> None:
    task = TASKS.get("presence")
    labels = np.full((4, 6), IGNORE, dtype=np.int32)
    labels[0, 0] = 1
    peaks, presences = np.float32([0.9, 0.5, 0.1]), np.float32([0.2, 0.8, 0.1])
    good = ClassEvidence(peaks, presences, np.float32([-0.3, -0.4, -0.5]))
    record = task.record(sample(labels=labels), Planted(evidence=good), WORDS)
    assert record["there"] == [1]
    presence, peak, rivals = task.scores({"1": record}, WORDS, 0)
    assert [each.metric for each in (presence, peak, rivals)] == [
        "presence AUC",
        "peak AUC",
        "rivals AUC",
    ]
    values = [each.interval and each.interval.value for each in (presence, peak, rivals)]
    assert values == [1.0, 0.5, 0.5]
    assert (presence.n, presence.detail["present"]) == (3, 1)


def test_presence_of_everything_or_nothing_has_no_curve() -> None:
    task = TASKS.get("presence")
    scores = {key: [0.1] * 3 for key in ("peak", "presence", "rivals")}
    record = {"there": [0, 1, 2], **scores}
    assert [score.interval for score in task.scores({"1": record}, WORDS, 0)] == [None] * 3


def test_referring_by_hand() -> None:
    task = TASKS.get("referring")
    truth, answer = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    truth[:2, :3], answer[:2, 1:4] = True, True
    box: Box = (1.0, 0.0, 4.0, 2.0)
    planted = Planted(
        [(1, 0.25), (0, 0.25)],
        [Place(answer, box, (1.0, 1.0), 0.7), Place(answer, None, None, 0.1)],
    )
    rows = sentence_rows(sample(referent("cat", truth), referent("dog")), planted, False)
    assert rows[0] == {
        "id": "1/0",
        "image": "1",
        "text": "cat",
        "box": [1.0, 0.0, 4.0, 2.0],
        "point": [1.0, 1.0],
        "score": 0.7,
        "truth": [0.0, 0.0, 3.0, 2.0],
        "iou": 0.5,
        "mask_iou": 0.5,
        "absent": False,
        "inside": 4,
        "union": 8,
        "centre": True,
        "pointing": True,
        "chance": 0.25,
        "share": 0.25,
        "truths": [],
    }
    missed = {key: rows[1][key] for key in ("box", "point", "iou", "mask_iou", "union", "pointing")}
    assert missed == {**dict.fromkeys(missed), "iou": 0.0, "pointing": False}
    other = {**rows[0], "id": "2/0", "image": "2", "iou": 0.9, "inside": 9, "union": 10}
    scores = {s.metric: s for s in task.scores([*rows, other], None, 0)}
    values = {name: s.interval.value for name, s in scores.items() if s.interval is not None}
    assert values["RES oIoU"] == pytest.approx(13 / 18)
    assert values["RES mIoU"] == pytest.approx((0.5 + 0.9) / 2)
    assert [values[f"Acc@{t}"] for t in (0.5, 0.75, 0.9)] == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert values["mAcc"] == pytest.approx((1 + 9) / 10 / 3)
    assert values["centre"] == pytest.approx(2 / 3)
    assert [values[f"Pr@{t}"] for t in (0.5, 0.6, 0.9)] == [1.0, 0.5, 0.5]
    assert (scores["RES oIoU"].n, scores["Acc@0.5"].n, scores["Acc@0.5"].unit) == (
        2,
        3,
        "sentences",
    )


def test_a_score_that_is_no_number_makes_no_row() -> None:
    planted = Planted([(0, 0.1)], [Place(np.zeros((4, 6), bool), None, None, float("nan"))])
    with pytest.raises(BadSampleError, match="finite number"):
        sentence_rows(sample(referent("cat")), planted, False)


def test_ref_l4_needs_a_category() -> None:
    row = {"id": "1", "image": "1", "absent": False, "box": None, "truth": [0.0, 0.0, 9.0, 9.0]}
    tagged = {**row, "tags": {"category": "o365_1"}}
    scores = {s.metric: s for s in TASKS.get("ref-l4").scores([tagged], None, 0)}
    assert scores["Ref-L4 small Acc@0.5"].n == 1
    assert scores["Ref-L4 class mAcc"].detail == {"categories": 1}
    with pytest.raises(BadSampleError, match="has no category"):
        TASKS.get("ref-l4").scores([row], None, 0)


@pytest.mark.parametrize("name", ["pointing", "segmentation"])
def test_nothing_to_measure_is_no_score(name: str) -> None:
    _check_no_scores(TASKS.get(name).scores({"1": []}, WORDS, 0))


@pytest.mark.parametrize("name", ["referring", "ref-l4", "reasonseg", "absent"])
def test_no_sentence_is_no_score(name: str) -> None:
    _check_no_scores(TASKS.get(name).scores([], None, 0))


def _check_no_scores(scores: Any) -> None:
    assert scores
    assert all(score.interval is None and score.n == 0 for score in scores)
    assert all(str(score) == "-" for score in scores)


@pytest.mark.parametrize("name", ["segmentation", "presence"])
def test_a_sample_without_labels_is_refused(name: str) -> None:
    with pytest.raises(BadSampleError, match="no label map"):
        TASKS.get(name).record(sample(), Planted(), WORDS)


def test_tasks_are_found_by_id_once() -> None:
    with pytest.raises(UnknownNameError, match="'pointig'.*'pointing'"):
        TASKS.get("pointig")
    with pytest.raises(UnknownNameError, match="'presence'"):
        TASKS.get("presence", ("pointing",))
