"""``compare_answer``: one call for what a model says and where it looked."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vlmscope as vs
from answers import dictated, talker
from lvlms import made
from vlmscope.errors import BadHeadSetError, BadPhraseError, UnsupportedError
from vlmscope.models import Prompt
from vlmscope.results import AnswerComparison
from vlmscope.types import box_iou
from vlmscope.viz.pens import ORANGE

HEADS = [(1, 1), (2, 0), (2, 5)]
SIZE = (60, 170)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (*SIZE, 3), dtype=np.uint8)


def compare(answer: str, generation: str = "2", **options: object) -> AnswerComparison:
    model = talker(generation)
    said = dictated(model, answer)
    room = said.pop("max_new_tokens")
    return vs.compare_answer(
        model, picture(), "the red circle", HEADS, max_new_tokens=room, generation=said, **options
    )


def test_what_it_says_and_where_it_looked() -> None:
    found = compare("(100,200),(500,800)")
    assert found.said == pytest.approx((17.0, 12.0, 85.0, 48.0))
    assert list(found.looked) == ["box", "last_text"] and found.warnings == ()
    assert found.phrase == "the red circle" and found.phrase in found.prompt
    assert found.text.replace(" ", "") == "(100,200),(500,800)"
    for rows, grounding in found.looked.items():
        assert grounding.heatmap.shape == SIZE and grounding.details["rows"] == rows
        assert grounding.phrase == "the red circle"
        assert found.ious[f"said/{rows}"] == pytest.approx(box_iou(found.said, grounding.box))
    assert "".join(found.looked["box"].details["row_tokens"]) != ""
    assert found.looked["last_text"].details["row_tokens"] == ["circle"]
    both = found.looked["box"].box, found.looked["last_text"].box
    assert found.ious["box/last_text"] == pytest.approx(box_iou(*both))
    record = json.loads(found.to_json())
    assert record["said"] == pytest.approx([17, 12, 85, 48])
    assert set(record["iou"]) == {"said/box", "said/last_text", "box/last_text"}


@pytest.mark.parametrize("rows", ["box", "last_text"])
def test_groundings_are_those_of_a_pass_over_the_same_answer(rows: str) -> None:
    answer = "(100,200),(500,800)"
    found = compare(answer)
    model = talker()
    asked = model.boxes.prompt("the red circle", answer=answer)
    alone = vs.ground(model, picture(), asked, heads=HEADS, rows=rows, prompt="chat")
    looked = found.looked[rows]
    np.testing.assert_allclose(looked.score_map, alone.score_map, atol=1e-5)
    assert looked.box == pytest.approx(alone.box)
    assert not np.allclose(looked.score_map, found.looked[_other(rows)].score_map, atol=1e-5)


def _other(rows: str) -> str:
    return {"box": "last_text", "last_text": "box"}[rows]


def test_pixels_follow_the_family() -> None:
    model = talker("2.5")
    _, rows, columns = model.fit(picture()).tensors["image_grid_thw"][0].tolist()
    found = compare(f'[{{"bbox_2d": [0, 0, {columns * 7}, {rows * 14}]}}]', "2.5")
    assert found.said == pytest.approx((0.0, 0.0, 85.0, 60.0))
    assert "JSON" in found.prompt


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("a dog", "holds no box"),
        ("(100,200),(500", "has 2 number"),
        ("(500,200),(100,800)", "left edge"),
        ("(100,200),(500,9000)", "9000 lies outside"),
    ],
)
def test_an_answer_without_a_box_is_a_result(answer: str, why: str) -> None:
    found = compare(answer)
    assert found.said is None and list(found.looked) == ["last_text"]
    assert found.ious == {"said/last_text": None}
    assert any(why in warning for warning in found.warnings)
    assert json.loads(found.to_json())["said"] is None
    assert found.overlay(cell=200).width >= 200


def test_the_first_of_several_boxes_is_compared() -> None:
    found = compare("(100,200),(500,800) (0,0),(1000,1000)")
    assert found.said == pytest.approx((17.0, 12.0, 85.0, 48.0))
    assert len(found.answer.boxes) == 2
    assert any("2 boxes; the first" in warning for warning in found.warnings)


def test_an_answer_that_is_cut_off_says_so() -> None:
    found = compare("the dog is on the")
    assert any("max_new_tokens" in warning for warning in found.warnings)


def test_one_picture_holds_both_panels_and_the_box_that_was_said() -> None:
    found = compare("(100,200),(500,800)")
    pixels = np.asarray(found.overlay(cell=340))
    orange = (pixels == np.array(ORANGE)).all(-1)
    columns = np.flatnonzero(orange.any(axis=0))
    middle = pixels.shape[1] // 2
    assert (columns < middle).any() and (columns > middle).any()
    left = columns[columns < middle]
    # a panel is twice the image's size; the box is 17..85 of its 170 columns
    assert left.max() - left.min() == pytest.approx(2 * (85 - 17), abs=4)


def test_another_question_and_other_options() -> None:
    ask = Prompt("where is the red circle ?", (9, 23))
    found = compare("(100,200),(500,800)", ask=ask, smoothing="none", prompt="paper")
    assert found.prompt == "where is the red circle ?"
    assert found.looked["last_text"].details["row_tokens"] == ["circle"]
    assert found.looked["box"].details["prompt"] == "paper"


def test_what_cannot_answer_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no documented way of writing boxes"):
        vs.compare_answer(made("blip-2"), picture(), "a dog", HEADS)
    with pytest.raises(UnsupportedError, match="encoder"):
        vs.compare_answer(vs.load("tiny-clip"), picture(), "a dog", HEADS)
    with pytest.raises(BadPhraseError, match="empty"):
        vs.compare_answer(talker(), picture(), "  ", HEADS)
    with pytest.raises(BadPhraseError, match="must be text, got list"):
        vs.compare_answer(talker(), picture(), ["a dog"], HEADS)
    with pytest.raises(BadHeadSetError):
        vs.compare_answer(talker(), picture(), "a dog", [(9, 0)])
