"""Questions that fit several places: rows, scenes, and what is no such question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlmscope.analysis.steering.choices import Choice, read_choices, scene_choices
from vlmscope.errors import BadSampleError, UnknownNameError

RED = {"box": [1, 2, 8, 9], "answer": "red"}
BLUE = {"box": [10, 2, 18, 9], "answer": "blue"}


def write(folder: Path, *choices: Any) -> Path:
    Image.fromarray(np.zeros((20, 30, 3), dtype=np.uint8)).save(folder / "a.png")
    rows = [
        {"image": "a.png", "question": f"what {n}", "choices": c} for n, c in enumerate(choices)
    ]
    path = folder / "open.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_rows_hold_places_and_their_answers(tmp_path: Path) -> None:
    (question,) = read_choices(write(tmp_path, [RED, BLUE]))
    assert question.choices[0] == Choice((1.0, 2.0, 8.0, 9.0), "red")  # type: ignore[attr-defined]
    assert question.image.shape == (20, 30, 3) and question.place == "line 1"


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (None, 'It needs "choices"'),
        (["red", "blue"], 'It needs "choices"'),
        ([RED], "got 1"),
        ([RED, {**BLUE, "answer": "red"}], "different answers"),
        ([RED, {"answer": "blue"}], "box of four numbers, got None"),
        ([RED, {**BLUE, "box": [1, 2, 3]}], "four finite numbers"),
        ([RED, {**BLUE, "box": [9, 2, 3, 4]}], "x0 <= x1"),
        ([RED, {**BLUE, "box": "left"}], "got 'left'"),
        ([RED, {"box": [1, 2, 8, 9]}], "answer"),
        ([RED, {**BLUE, "box": [40, 2, 50, 9]}], "holds nothing of the image"),
        ([RED, {**BLUE, "box": [5, 5, 5, 9]}], "holds nothing of the image"),
    ],
)
def test_a_bad_row_is_left_out_with_the_reason(tmp_path: Path, choices: Any, said: str) -> None:
    source = read_choices(write(tmp_path, [RED, BLUE], choices))
    assert len(list(source)) == 1
    (skipped,) = source.skipped
    assert skipped.line == 2 and said in skipped.reason


def test_scenes_hold_exactly_two_objects_that_fit() -> None:
    questions = list(scene_choices(6, ["colour", "texture", "shape"]))
    assert [each.text.split()[1] for each in questions] == 2 * ["color", "texture", "shape"]
    for each in questions:
        one, two = each.choices
        assert one.answer != two.answer and one.box != two.box
    assert [each.text for each in read_choices("tiny-scenes:2:shape")] == [  # type: ignore[union-attr]
        each.text for each in scene_choices(2, ["shape"])
    ]
    with pytest.raises(UnknownNameError):
        read_choices("tiny-scenes:2:size")


def test_a_list_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="None of the 1 rows"):
        read_choices(write(tmp_path, [RED]))
