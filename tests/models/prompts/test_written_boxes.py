"""Boxes that models write: every family's form, in pixels of the original image."""

from __future__ import annotations

import re

import numpy as np
import pytest

import families
import vlmscope as vs
from answers import talker
from lvlms import made
from vlmscope.errors import BadPhraseError, UnsupportedError
from vlmscope.models import FAMILIES, Family
from vlmscope.models.prompts.written_boxes import BoxConvention, frame_of
from vlmscope.types import Answer, TokenMap, View

SIZE = (100, 300)  # height, width

LISTS = BoxConvention("{phrase}", "lists", 1000.0)
PAIRS = BoxConvention("{phrase}", "pairs", 1000.0, marks=("<|box_start|>", "<|box_end|>"))
KEYS = BoxConvention("{phrase}", "keys", 1000.0)
MARKED = BoxConvention("{phrase}", "lists", 1000.0, marks=("<box>", "</box>"))
LOCATIONS = BoxConvention("{phrase}", "locations", 1024.0, order="yxyx")
SQUARE = BoxConvention("{phrase}", "lists", 1.0, frame="square")


def token_map(size: tuple[int, int] = SIZE) -> TokenMap:
    height, width = size
    view = View("image", np.arange(1), np.array([0.0, height]), np.array([0.0, width]))
    return TokenMap(np.zeros(1, dtype=np.int8), ("",), size, (view,))


def read(convention: BoxConvention, text: str, size: tuple[int, int] = SIZE) -> Answer:
    full = convention.full or 0.0
    return convention.read(text, token_map(size), (full, full))


# x 100..500 and y 200..600 of 1000 on an image of 100x300
BOX = (30.0, 20.0, 150.0, 60.0)


@pytest.mark.parametrize(
    ("convention", "text"),
    [
        (LISTS, "It is at [100, 200, 500, 600]."),
        (LISTS, "[[100,200,500,600]]"),
        (LISTS, "[ 100.0 ,200., 500,\n600 ]"),
        (
            PAIRS,
            "<|object_ref_start|>dog<|object_ref_end|><|box_start|>(100,200),(500,600)<|box_end|>",
        ),
        (PAIRS, "(100,200),(500,600)"),
        (PAIRS, "the dog (100, 200) (500, 600)<|im_end|>"),
        (KEYS, '```json\n[\n {"bbox_2d": [100, 200, 500, 600], "label": "dog"}\n]\n```'),
        (KEYS, "{'bbox_2d':[100,200,500,600]}"),
        (KEYS, "[100, 200, 500, 600]"),
        (MARKED, "<ref>dog</ref><box>[[100, 200, 500, 600]]</box>"),
        (MARKED, "see [1] and [7, 8]: <box>(100, 200, 500, 600)</box>"),
        (MARKED, "<box><100,200,500,600></box>"),
        (MARKED, "[100, 200, 500, 600]"),
    ],
)
def test_a_box_is_found_where_the_family_writes_it(convention: BoxConvention, text: str) -> None:
    answer = read(convention, text)
    assert answer.box == pytest.approx(BOX) and answer.problems == ()
    (written,) = answer.boxes
    assert written.numbers == (100.0, 200.0, 500.0, 600.0)
    # the characters of the numbers, and nothing else
    assert [float(text[start:end]) for start, end in written.spans] == list(written.numbers)


def test_locations_put_y_first_in_1024_bins() -> None:
    text = "<loc0256><loc0512><loc0768><loc1023> dog"
    answer = read(LOCATIONS, text, (200, 400))
    assert answer.box == pytest.approx((200.0, 50.0, 1023 / 1024 * 400, 150.0))
    assert [text[a:b] for a, b in answer.boxes[0].spans] == ["0256", "0512", "0768", "1023"]


def test_a_padded_square_is_not_the_image() -> None:
    # 300 wide, 100 high: 100 rows of padding above and below
    assert read(SQUARE, "[0.1, 0.4, 0.5, 0.6]").box == pytest.approx((30.0, 20.0, 150.0, 80.0))
    tall = read(SQUARE, "[0.4, 0.1, 0.6, 0.5]", (300, 100))
    assert tall.box == pytest.approx((20.0, 30.0, 80.0, 150.0))
    reaches = read(SQUARE, "[0.1, 0.0, 0.5, 0.5]")  # into the padding: cut at the image
    assert reaches.box == pytest.approx((30.0, 0.0, 150.0, 50.0))
    outside = read(SQUARE, "[0.1, 0.0, 0.5, 0.3]")
    assert outside.box is None and "padding" in outside.problems[0]


@pytest.mark.parametrize(
    ("convention", "text", "why"),
    [
        (LISTS, "I cannot see a dog.", "holds no box: 'I cannot see a dog.'"),
        (LISTS, "", "holds no box: ''"),
        (LISTS, "[a, b, c, d]", "holds no box"),
        (LISTS, "[100, 200, 500]", r"\[100, 200, 500\]' is no box: it has 3 number"),
        (LISTS, "[1, 2, 3, 4, 5]", "it has 5 number"),
        (LISTS, "[500, 200, 100, 600]", r"left edge \(500\) is not left of its right edge \(100\)"),
        (LISTS, "[100, 600, 500, 200]", r"top edge \(600\) is not above its bottom edge \(200\)"),
        (LISTS, "[100, 200, 100, 600]", "is not left of"),
        (LISTS, "[100, 200, 500, 1600]", "1600 lies outside 0 to 1000"),
        (LISTS, "[-100, 200, 500, 600]", "-100 lies outside 0 to 1000"),
        (LISTS, "[0, 50, 55, " + "9" * 5000 + "]", "inf lies outside"),
        (LISTS, "[100, 200, 500, 60", "the answer ends inside it"),
        (LISTS, "[" * 3000, "holds no box"),
        (PAIRS, "<|box_start|>(100,200),(500<|box_end|>", "has 2 number"),
        (PAIRS, "<|box_start|>(100,200),(500,60", "ends inside it"),
        (PAIRS, "(100,200)", "has 2 number"),
        (KEYS, '{"bbox_2d": [100, 200, 500', "ends inside it"),
        (KEYS, '{"bbox_2d": "none"}', "holds no box"),
        (MARKED, "<box></box>", "holds no box"),
        (MARKED, "<box>[[100, 200, 500, 600", "ends inside it"),
        (LOCATIONS, "<loc0100><loc0200><loc0300> dog", "has 3 number"),
        (LOCATIONS, "<loc0300><loc0200><loc0100><loc0400> dog", "top edge"),
    ],
)
def test_what_is_no_box_says_why(convention: BoxConvention, text: str, why: str) -> None:
    answer = read(convention, text)
    assert answer.box is None and answer.boxes == ()
    assert any(re.search(why, problem) for problem in answer.problems), answer.problems


def test_several_boxes_are_all_kept_beside_what_is_wrong() -> None:
    answer = read(LISTS, "[100, 200, 500, 600], [1, 2, 3], [0, 0, 1000, 1000]")
    assert [each.box for each in answer.boxes] == [
        pytest.approx(BOX),
        pytest.approx((0.0, 0.0, 300.0, 100.0)),
    ]
    assert answer.box == pytest.approx(BOX)
    assert len(answer.problems) == 1 and "3 number" in answer.problems[0]
    two = read(
        LOCATIONS, "<loc0000><loc0000><loc0512><loc0512><loc0000><loc0512><loc0512><loc1023>"
    )
    assert len(two.boxes) == 2


def test_a_number_barely_past_the_edge_means_the_edge() -> None:
    assert read(LISTS, "[-5, 0, 1003, 1000]").box == pytest.approx((0.0, 0.0, 300.0, 100.0))


# -- in the families ---------------------------------------------------------------------


def test_pixels_of_the_resized_image_are_carried_back() -> None:
    model = talker("2.5")
    image = np.zeros((90, 310, 3), dtype=np.uint8)
    tokens = vs.token_map(model, image, "dog")
    _, rows, columns = model.fit(image).tensors["image_grid_thw"][0].tolist()
    height, width = rows * 14, columns * 14
    assert (height, width) != (90, 310)
    text = f'{{"bbox_2d": [{width // 4}, {height // 2}, {width}, {height}]}}'
    x0, y0, x1, y1 = model.read_answer(text, tokens).box
    assert (x0, y0) == pytest.approx((width // 4 / width * 310, height // 2 / height * 90))
    assert (x1, y1) == pytest.approx((310, 90))
    beyond = model.read_answer(f"[0, 0, {width + 28}, {height}]", tokens)
    assert f"outside 0 to {width}" in beyond.problems[0]


def test_qwen3_counts_thousandths_of_the_original() -> None:
    model = made("qwen3-vl")
    tokens = vs.token_map(model, np.zeros((90, 310, 3), dtype=np.uint8), "dog")
    answer = model.read_answer('{"bbox_2d": [500, 100, 1000, 900]}', tokens)
    assert answer.box == pytest.approx((155.0, 9.0, 310.0, 81.0))


def test_glm_answers_between_its_marks_after_thinking() -> None:
    model = made("glm-4v")
    tokens = vs.token_map(model, np.zeros((90, 310, 3), dtype=np.uint8), "dog")
    text = (
        "<think>perhaps [0, 0, 10, 10] ?</think><answer><|begin_of_box|>[[500,100,1000,900]]"
        "<|end_of_box|></answer>"
    )
    answer = model.read_answer(text, tokens)
    assert len(answer.boxes) == 1 and answer.box == pytest.approx((155.0, 9.0, 310.0, 81.0))


def test_llava_measures_on_the_square_that_it_is_shown() -> None:
    model = families.llava()
    image = np.zeros((100, 300, 3), dtype=np.uint8)
    padded = vs.token_map(model, image, "dog", placement="pad")
    assert frame_of(padded, "shown") == pytest.approx(frame_of(padded, "square"))
    text = "[0.1, 0.4, 0.5, 0.6]"
    assert model.read_answer(text, padded).box == pytest.approx((30.0, 20.0, 150.0, 80.0))
    cropped = vs.token_map(model, image, "dog", placement="processor")
    assert model.read_answer(text, cropped).box == pytest.approx((110.0, 40.0, 150.0, 60.0))


WRITERS = [each for each in FAMILIES if isinstance(each, Family) and each.boxes is not None]


@pytest.mark.parametrize("family", WRITERS, ids=lambda each: each.id)
def test_every_convention_names_its_source_and_asks_for_the_phrase(family: Family) -> None:
    asked = family.boxes.prompt("  the red dog ")
    start, end = asked.span
    assert asked.text[start:end] == "the red dog"
    assert family.boxes.source
    with pytest.raises(BadPhraseError, match="empty"):
        family.boxes.prompt(" ")
    # a phrase that looks like a template is text
    assert "{phrase} {0}" in family.boxes.prompt("{phrase} {0}").text


def test_a_family_without_a_convention_says_so() -> None:
    model = made("blip-2")
    tokens = vs.token_map(model, np.zeros((40, 40, 3), dtype=np.uint8), "dog")
    with pytest.raises(UnsupportedError, match="no documented way of writing boxes"):
        model.read_answer("[1, 2, 3, 4]", tokens)
    with pytest.raises(UnsupportedError, match="no documented way"), vs.capture(model, rows="box"):
        pass


@pytest.mark.parametrize(
    "wrong", [{"form": "xml"}, {"frame": "screen"}, {"order": "xywh"}, {"ask": "find it"}]
)
def test_a_convention_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BoxConvention(**{"ask": "{phrase}", "form": "lists", "full": 1.0, **wrong})


def test_tiled_llavas_say_that_their_square_is_not_documented() -> None:
    model = made("llava-next")
    tokens = vs.token_map(model, np.zeros((100, 300, 3), dtype=np.uint8), "dog")
    answer = model.read_answer("[0.1, 0.4, 0.5, 0.6]", tokens)
    assert answer.box == pytest.approx((30.0, 20.0, 150.0, 80.0))
    assert "not documented" in model.boxes.caution
