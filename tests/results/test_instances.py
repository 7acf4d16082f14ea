"""A Grounding's instances, and that all that goes out of it carries them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.export import instance_annotations, instance_lines
from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding, overlay
from vlmscope.types import tight_box

PEAKS = ((4, 4, 1.0), (4, 18, 0.9), (18, 11, 0.8))


def grounding(*peaks: tuple[int, int, float], score: float = 0.5) -> Grounding:
    """A grey picture of 240x240 pixels whose map of 24x24 cells is lit on 3x3 cells per peak."""
    grid = np.zeros((24, 24))
    for row, column, height in peaks:
        grid[row - 1 : row + 2, column - 1 : column + 2] = 0.9 * height
        grid[row, column] = height
    options = PostOptions(smoothing="none", threshold="max-share", share=0.5)
    located = locate(
        map_of((240, 240), [view_over((0, 0, 240, 240), (24, 24))]), grid.ravel(), options
    )
    return Grounding.of(
        located,
        phrase="the cups",
        method="localization-heads",
        model="tiny",
        image=np.full((240, 240, 3), 128, np.uint8),
        score=score,
        details={},
    )


def test_the_first_is_what_the_grounding_says() -> None:
    made = grounding(*PEAKS)
    first = made.instances[0]
    assert (first.box, first.point, first.score) == (made.box, made.point, made.score)
    assert first.mask is made.mask
    assert [instance.box for instance in made.instances] == [
        (30, 30, 60, 60),
        (170, 30, 200, 60),
        (100, 170, 130, 200),
    ]


def test_scores_are_of_the_grounding_and_fall_below_zero_too() -> None:
    scores = [instance.score for instance in grounding(*PEAKS).instances]
    np.testing.assert_allclose(scores, [0.5, 0.45, 0.4])
    below = [instance.score for instance in grounding(*PEAKS, score=-0.1).instances]
    np.testing.assert_allclose(below, [-0.1, -0.11, -0.12])


def test_nothing_lit_is_no_instance_and_said() -> None:
    made = grounding()
    assert made.instances == ()
    assert made.to_dict()["instances"] == []
    (warning,) = made.warnings
    assert "'the cups': nothing lights up, so there is no box and no instance" in warning
    assert len(made.to_supervision()) == 0
    assert instance_annotations([made]) == [] and instance_lines([made]) == []


def test_one_put_together_by_hand_has_itself() -> None:
    made = replace(grounding(*PEAKS), located=None)
    (only,) = made.instances
    assert (only.box, only.point, only.score) == (made.box, made.point, made.score)
    assert replace(made, box=None, point=None).instances == ()


def test_another_mask_takes_its_pixels_from_further_ones() -> None:
    made = grounding(*PEAKS)
    drawn = made.mask.copy()
    drawn[30:60, 170:180] = True  # a third of the second
    drawn[170:200, 100:120] = True  # two thirds of the third
    changed = replace(made, mask=drawn)
    first, second = changed.instances
    assert first.mask is drawn
    assert tight_box(second.mask) == (180, 30, 200, 60)
    assert not (first.mask & second.mask).any()


def test_they_are_looked_for_once_and_survive_a_copy() -> None:
    made = grounding(*PEAKS)
    assert made.instances is made.instances
    again = copy.deepcopy(made)
    assert [each.box for each in again.instances] == [each.box for each in made.instances]


def test_json_has_them_all() -> None:
    made = grounding(*PEAKS)
    rows = json.loads(made.to_json())["instances"]
    assert [set(row) for row in rows] == [{"box", "point", "score", "mask_area"}] * 3
    assert rows[0]["box"] == list(made.box or ())
    assert [row["mask_area"] for row in rows] == [900, 900, 900]


def test_supervision_has_them_all() -> None:
    pytest.importorskip("supervision")
    made = grounding(*PEAKS)
    detections = made.to_supervision()
    np.testing.assert_allclose(detections.xyxy, [each.box for each in made.instances])
    np.testing.assert_array_equal(detections.mask, [each.mask for each in made.instances])
    np.testing.assert_allclose(detections.confidence, [0.5, 0.45, 0.4])
    assert list(detections.data["class_name"]) == ["the cups"] * 3


def test_coco_has_an_annotation_for_each() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    groundings = [grounding(*PEAKS), grounding(PEAKS[2])]
    rows = instance_annotations(groundings)
    assert [row["category_id"] for row in rows] == [1, 1, 1, 2]
    assert [row["bbox"] for row in rows[:2]] == [[30, 30, 30, 30], [170, 30, 30, 30]]
    np.testing.assert_allclose([row["score"] for row in rows], [0.5, 0.45, 0.4, 0.5])
    mask = coco.decode(rows[1]["segmentation"])
    np.testing.assert_array_equal(mask > 0, groundings[0].instances[1].mask)
    json.dumps(rows, allow_nan=False)


def test_yolo_has_a_line_for_each() -> None:
    lines = instance_lines([grounding(PEAKS[2]), grounding(*PEAKS)])
    assert [line.split()[0] for line in lines] == ["0", "1", "1", "1"]
    corners = np.array(lines[2].split()[1:], float).reshape(-1, 2) * 240
    np.testing.assert_allclose(corners.min(axis=0), (170, 30), atol=1e-3)
    np.testing.assert_allclose(corners.max(axis=0), (200, 60), atol=1e-3)


def test_parts_that_touch_at_a_corner_are_one_line_of_yolo() -> None:
    made = grounding(*PEAKS[:1])
    mask = np.zeros((240, 240), bool)
    mask[10:20, 10:20] = mask[20:30, 20:30] = True
    (line,) = instance_lines([replace(made, mask=mask, located=None)], tolerance=0)
    x, y = (np.array(line.split()[1:], float).reshape(-1, 2) * 240).T
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    assert area == pytest.approx(200)


def test_the_overlay_draws_further_ones_thinner_and_numbered() -> None:
    made = grounding(*PEAKS)
    without = overlay(made, show=("box",), min_side=960)
    pixels = np.asarray(overlay(made, show=("box", "instances"), min_side=960)).astype(int)
    changed = (pixels != np.asarray(without)).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert columns.min() == 4 * 100 - 1 and rows.min() == 4 * 30 - 1  # a dark edge around each
    first, second = (light_across(pixels, 4 * row) for row in (45, 185))
    assert first > second > 0
    numbered = np.asarray(overlay(made, show=("box", "instances", "label"), min_side=960))
    plain = np.asarray(overlay(made, show=("box", "label"), min_side=960))
    near_third = numbered[4 * 150 : 4 * 169, 4 * 100 : 4 * 130]
    assert (near_third != plain[4 * 150 : 4 * 169, 4 * 100 : 4 * 130]).any()


def light_across(pixels: np.ndarray, row: int) -> int:
    """How many white pixels the left side of the leftmost box on a row has."""
    white = np.flatnonzero((pixels[row] == 255).all(axis=-1))
    return int(np.sum(white < white[0] + 20))


def test_one_instance_is_drawn_as_it_always_was() -> None:
    made = grounding(PEAKS[0])
    without = overlay(made, show=("heatmap", "mask", "box", "point", "label"))
    np.testing.assert_array_equal(np.asarray(overlay(made)), np.asarray(without))
