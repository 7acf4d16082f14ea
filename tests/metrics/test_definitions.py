"""Each metric by its definition, with cases small enough to count by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handmade import map_of, view_over
from vlmscope.errors import BadSampleError
from vlmscope.metrics import (
    accuracy_at,
    ciou,
    contains,
    enrichment,
    giou,
    intersection_union,
    mask_iou,
    mean_over_images,
)
from vlmscope.post import box_coverage, visible_areas
from vlmscope.types import box_iou

LEFT = np.zeros((4, 4), dtype=bool)
LEFT[:, :2] = True
TOP = np.zeros((4, 4), dtype=bool)
TOP[:2] = True
NONE = np.zeros((4, 4), dtype=bool)

boxes = st.tuples(*[st.floats(0, 100)] * 4).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)


@pytest.mark.parametrize(
    ("one", "two", "iou"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0),
        ((0, 0, 10, 10), (2, 2, 4, 4), 0.04),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0),
        (None, (0, 0, 1, 1), 0),
        (None, None, 0),
    ],
)
def test_box_iou(one: object, two: object, iou: float) -> None:
    assert box_iou(one, two) == pytest.approx(iou)


@settings(max_examples=80, deadline=None)
@given(boxes, boxes)
def test_box_iou_is_symmetric_and_between_zero_and_one(one: tuple, two: tuple) -> None:
    assert box_iou(one, two) == box_iou(two, one)
    assert 0 <= box_iou(one, two) <= 1 + 1e-12


def test_mask_iou_counts_pixels() -> None:
    assert intersection_union(LEFT, TOP) == (4, 12)
    assert mask_iou(LEFT, TOP) == pytest.approx(1 / 3)
    assert mask_iou(NONE, LEFT) == 0
    assert mask_iou(NONE, NONE) == 1  # an empty union counts 1


def test_ignored_pixels_count_for_neither() -> None:
    assert intersection_union(LEFT, TOP, ignore=TOP) == (0, 4)
    assert mask_iou(LEFT, NONE, ignore=LEFT) == 1


def test_masks_of_different_sizes_are_refused() -> None:
    with pytest.raises(BadSampleError, match="one size"):
        mask_iou(LEFT, np.zeros((4, 5), dtype=bool))


def test_ciou_sums_first_and_giou_divides_first() -> None:
    counts = [(90, 100), (1, 10), (0, 0)]
    assert ciou(counts).value == pytest.approx(91 / 110)
    assert giou(counts).value == pytest.approx((0.9 + 0.1 + 1) / 3)
    assert ciou(counts).low <= ciou(counts).value <= ciou(counts).high


def test_unions_of_one_pixel_and_intersections_of_none_count() -> None:
    left_in_memory = [np.full(5, 9.0) for _ in range(9)]
    del left_in_memory  # what is not divided is written all the same
    assert giou([(0, 0)] * 5).value == 1
    assert giou([(0, 1)]).value == 0
    assert giou([(0, 10), (5, 10), (1, 1)]).value == 0.5
    assert giou(np.array([[1, 3]], dtype=np.float32)).value == 1 / 3  # in float64, whatever comes


@pytest.mark.parametrize("counts", [[], [1, 2], [[1, 2, 3]], np.zeros((0, 2)), np.ones((2, 2, 2))])
def test_counts_of_a_wrong_shape_are_refused(counts: list) -> None:
    for metric in (ciou, giou):
        with pytest.raises(BadSampleError, match="intersection, union"):
            metric(counts)


@pytest.mark.parametrize(
    ("point", "box", "mask"),
    [
        ((0.0, 0.0), True, True),
        ((1.9, 3.9), True, True),
        ((2.0, 0.0), False, False),  # far edges are exclusive
        ((-0.5, 0.0), False, False),
        ((0.0, 4.0), False, False),
        (None, False, False),
    ],
)
def test_pointing_in_a_box_and_on_a_mask(point: object, box: bool, mask: bool) -> None:
    assert contains((0.0, 0.0, 2.0, 4.0), point) is box
    assert contains(LEFT, point) is mask


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        *(((1.0, 2.0), True), ((4.9, 8.9), True), ((1.5, 5.0), True), ((3.0, 7.0), True)),
        *(((0.9, 5.0), False), ((5.0, 5.0), False), ((6.0, 5.0), False)),
        *(((3.0, 1.9), False), ((3.0, 9.0), False), ((3.0, 1.5), False)),
    ],
)
def test_pointing_in_a_box_whose_edges_all_differ(point: tuple[float, float], inside: bool) -> None:
    assert contains((1.0, 2.0, 5.0, 9.0), point) is inside


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        *(((3.5, 1.0), True), ((0.5, 0.5), True), ((0.0, 0.0), True)),
        *(((4.0, 1.0), False), ((-0.5, 0.5), False), ((0.5, -0.5), False), ((0.5, 2.0), False)),
    ],
)
def test_pointing_beyond_a_mask_is_a_miss(point: tuple[float, float], inside: bool) -> None:
    assert contains(np.ones((2, 4), dtype=bool), point) is inside


def test_accuracy_is_the_share_at_or_above_the_threshold() -> None:
    found = accuracy_at([0.49, 0.5, 0.51, 1.0])
    assert found.value == 0.75
    assert accuracy_at([0.74, 0.75], 0.75).value == 0.5


def test_intervals_resample_images_not_sentences() -> None:
    # 10 sentences on each of 8 images, all right or all wrong together
    values = np.repeat([1, 0, 1, 1, 0, 1, 0, 1], 10)
    images = np.repeat(np.arange(8), 10).tolist()
    together, apart = mean_over_images(values, images), mean_over_images(values)
    assert together.value == apart.value == 0.625
    assert together.high - together.low > 2 * (apart.high - apart.low)


IMAGES = [number // 2 for number in range(60)]


@pytest.mark.parametrize(
    "metric",
    [
        lambda values, **seed: ciou(np.stack([values, np.ones(60)], axis=1), **seed),
        lambda values, **seed: giou(np.stack([values, np.ones(60)], axis=1), **seed),
        lambda values, **seed: accuracy_at(values, **seed),
        lambda values, **seed: accuracy_at(values, 0.3, IMAGES, **seed),
        lambda values, **seed: mean_over_images(values, **seed),
        lambda values, **seed: mean_over_images(values, IMAGES, **seed),
    ],
    ids=["ciou", "giou", "accuracy", "accuracy by image", "mean", "mean by image"],
)
def test_the_seed_of_the_interval_is_zero_unless_told(metric: Callable) -> None:
    values = np.random.default_rng(0).random(60)
    assert metric(values) == metric(values, seed=0) != metric(values, seed=1)


def test_no_sample_on_no_image_is_refused() -> None:
    with pytest.raises(BadSampleError, match="at least one sample"):
        mean_over_images([], [])


def test_sentences_weigh_the_same_however_many_share_an_image() -> None:
    assert mean_over_images([1, 1, 1, 0], ["a", "a", "a", "b"]).value == 0.75


def _padded() -> tuple[np.ndarray, np.ndarray]:
    token_map = map_of((100, 200), [view_over((0, -50, 200, 150), (8, 8))], "pad")
    return box_coverage(token_map, (0.0, 0.0, 50.0, 50.0)), visible_areas(token_map)


def test_enrichment_of_uniform_attention_is_one_whatever_was_padded() -> None:
    coverage, areas = _padded()
    found = enrichment(np.full((2, 64), 0.01), coverage, areas)
    np.testing.assert_allclose(found, 1)


def test_enrichment_is_attention_inside_over_the_share_of_the_area() -> None:
    coverage, areas = _padded()  # the box is an eighth of the image
    weights = np.zeros(64)
    weights[2 * 8] = 0.3  # inside
    weights[2 * 8 + 7] = 0.1  # outside
    weights[0] = 5.0  # on the padding: not attention on the image
    assert enrichment(weights, coverage, areas) == pytest.approx(0.75 * 8)


def test_enrichment_of_what_was_not_seen_is_zero() -> None:
    _, areas = _padded()
    assert enrichment(np.ones(64), np.zeros(64), areas) == 0
    assert enrichment(np.zeros(64), np.ones(64), areas) == 0


def test_enrichment_counts_every_visible_cell_however_small() -> None:
    # a fifth of the area, half of the attention on what is visible
    assert enrichment([1, 1, 5], np.array([1.0, 0, 0]), np.array([0.5, 2, 0])) == 2.5
    assert enrichment([3, 1], np.array([1.0, 0]), np.array([0.25, 0.25])) == 1.5
    assert enrichment([1, 1], np.ones(2), np.zeros(2)) == 0  # nothing is visible


def test_enrichment_of_many_maps_is_zero_where_nothing_is_expected() -> None:
    maps = np.array([[0, 0], [2, 0], [0, 0], [0, 3], [1, 1]])
    left_in_memory = [np.full(5, 9.0) for _ in range(9)]
    del left_in_memory  # what is not divided is written all the same
    with np.errstate(all="raise"):
        found = enrichment(maps, np.array([1.0, 0.0]), np.array([1.0, 1.0]))
    assert found.tolist() == [0, 2, 0, 0, 1]
