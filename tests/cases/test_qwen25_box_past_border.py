"""QwenLM/Qwen3-VL#1035: Qwen2.5-VL writes boxes that end a little outside the image it was shown."""

from __future__ import annotations

import numpy as np
import pytest

import vlmscope as vs
from lvlms import made
from vlmscope.types import Answer

HEIGHT, WIDTH = 368, 434
IMAGE = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def read(kind: str, numbers: list[float]) -> tuple[Answer, tuple[float, float]]:
    """The answer with these numbers, and (height, width) of the image as the model got it."""
    model = made(kind)
    tokens = vs.token_map(model, IMAGE, "the metal head of the trowel")
    rows, columns = tokens.views[0].grid
    written = f'[{{"bbox_2d": {numbers}, "label": "trowel"}}]'
    return model.read_answer(written, tokens), (rows * 28.0, columns * 28.0)


@pytest.mark.parametrize(
    ("numbers", "cut"),
    [
        ([19, 300, 154, 476], (None, None, None, HEIGHT)),
        ([19, -60, 500, 100], (None, 0, WIDTH, None)),
        ([-200, 30, 154, 90], (0, None, None, None)),
    ],
)
def test_the_box_is_cut_at_the_border_and_that_is_said(
    numbers: list[float], cut: tuple[float | None, ...]
) -> None:
    answer, (height, width) = read("qwen2.5-vl", numbers)
    scales = (WIDTH / width, HEIGHT / height) * 2
    want = [
        number * scale if edge is None else edge
        for number, scale, edge in zip(numbers, scales, cut, strict=True)
    ]
    assert answer.box == pytest.approx(want, abs=1e-6)
    (problem,) = answer.problems
    assert "cut at its edge" in problem


def test_what_fits_is_not_noted_and_what_is_far_away_is_no_box() -> None:
    answer, _ = read("qwen2.5-vl", [19, 300, 154, 366])
    assert answer.box is not None and answer.problems == ()
    for numbers in ([19, 300, 154, 900], [450, 300, 500, 340]):
        answer, _ = read("qwen2.5-vl", numbers)
        assert answer.box is None
        assert "is no box" in answer.problems[0]


def test_thousandths_have_no_such_room() -> None:
    answer, _ = read("qwen3-vl", [19, 300, 154, 1200])
    assert answer.box is None
    assert "1200 lies outside 0 to 1000" in answer.problems[0]
