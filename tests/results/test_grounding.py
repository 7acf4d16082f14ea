"""An overlay shows what the grounding says, where it says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vlmscope.errors import BadOptionError, UnknownNameError, VlmscopeError
from vlmscope.results import Grounding, overlay, side_by_side
from vlmscope.viz.pens import INK, PAPER

GREEN = (60, 120, 60)


def grounding(height: int = 200, width: int = 300, **changes: Any) -> Grounding:
    """A plain green image, lit up inside its box (40, 50, 140, 150)."""
    image = np.full((height, width, 3), GREEN, np.uint8)
    heat = np.zeros((height, width), np.float32)
    heat[50:150, 40:140] = 1
    made = Grounding(
        phrase="the red square",
        method="localization-heads",
        model="tiny",
        image=image,
        heatmap=heat,
        score_map=np.array([[0.0, 0.1], [0.2, 0.4]], np.float32),
        mask=heat > 0,
        box=(40.0, 50.0, 140.0, 150.0),
        point=(90.0, 100.0),
        score=0.4,
        seen=(0.0, 0.0, float(width), float(height)),
    )
    return replace(made, **changes)


def drawn(made: Grounding, *show: str, **options: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(overlay(made, show=show, **options))


def test_nothing_shown_is_the_image_itself() -> None:
    made = grounding()
    np.testing.assert_array_equal(drawn(made), made.image)


def test_the_box_lies_where_it_should() -> None:
    pixels = drawn(grounding(), "box")
    for x, y in [(40, 50), (139, 149), (40, 149), (139, 50), (40, 100), (90, 50)]:
        assert tuple(pixels[y, x]) == PAPER, (x, y)
    for x, y in [(39, 100), (140, 100), (90, 49), (90, 150), (41, 100)]:
        assert tuple(pixels[y, x]) == INK, (x, y)
    for x, y in [(30, 100), (60, 100), (150, 100), (90, 40), (90, 160)]:
        assert tuple(pixels[y, x]) == GREEN, (x, y)


def test_the_box_moves_with_the_scale() -> None:
    pixels = drawn(grounding(400, 600, box=(80.0, 100.0, 280.0, 300.0)), "box", max_side=300)
    assert pixels.shape == (200, 300, 3)
    assert tuple(pixels[50, 90]) == PAPER
    assert tuple(pixels[149, 90]) == PAPER
    assert tuple(pixels[100, 139]) == PAPER


def test_a_box_over_the_border_is_drawn_at_the_border() -> None:
    pixels = drawn(grounding(box=(-20.0, -5.0, 900.0, 900.0)), "box")
    assert tuple(pixels[100, 0]) == PAPER
    assert tuple(pixels[100, 299]) == PAPER


def test_the_heat_map_changes_only_what_is_lit_when_alpha_says_so() -> None:
    made = grounding()
    assert (drawn(made, "heatmap", alpha=0.0) == made.image).all()
    pixels = drawn(made, "heatmap", alpha=1.0).astype(int)
    assert pixels[100, 90].sum() > 550  # the bright end of the table
    assert pixels[10, 10].sum() < 3 * 60  # the dark end, half as strong


def test_colour_maps_differ() -> None:
    inferno = drawn(grounding(), "heatmap", colormap="inferno")
    viridis = drawn(grounding(), "heatmap", colormap="viridis")
    assert (inferno != viridis).any()


def test_the_mask_outline_follows_the_border() -> None:
    pixels = drawn(grounding(), "mask").astype(int)
    changed = np.abs(pixels - np.array(GREEN)).sum(axis=-1) > 60
    rows, columns = np.nonzero(changed)
    assert changed[49:51, 90].any()
    assert changed[100, 39:41].any()
    assert not changed[70:130, 60:120].any()
    assert (rows.min(), columns.min()) >= (45, 35)
    assert rows.max() <= 154
    assert columns.max() <= 144


def test_the_point_is_a_light_dot_with_a_dark_ring() -> None:
    pixels = drawn(grounding(), "point").astype(int)
    assert pixels[100, 90].sum() > 700
    assert pixels[100, 92].sum() < 200
    assert (pixels[100, 110] == GREEN).all()


def test_the_label_stands_beside_the_box_not_on_it() -> None:
    changed = (drawn(grounding(), "label") != GREEN).any(axis=-1)
    rows, _ = np.nonzero(changed)
    assert changed.any()
    assert rows.max() < 50  # above the box


def test_without_room_above_the_label_goes_below() -> None:
    made = grounding(box=(40.0, 5.0, 140.0, 100.0))
    rows, _ = np.nonzero((drawn(made, "label") != GREEN).any(axis=-1))
    assert rows.min() >= 100


def test_what_was_not_seen_is_darkened() -> None:
    made = grounding(seen=(50.0, 0.0, 250.0, 200.0))
    pixels = drawn(made).astype(int)
    assert (pixels[:, 50:250] == GREEN).all()
    assert pixels[:, :50].mean() < 0.8 * np.mean(GREEN)
    assert pixels[:, 250:].mean() < 0.8 * np.mean(GREEN)
    assert np.ptp(pixels[:, :50]) > 15  # hatched, not flat


def test_nothing_lit_is_said_and_draws_no_box() -> None:
    made = grounding(box=None, point=None, mask=np.zeros((200, 300), bool))
    np.testing.assert_array_equal(drawn(made, "box", "point", "mask"), made.image)
    plain = drawn(grounding(), "label")
    said = drawn(made, "label")
    assert (said != GREEN).any(axis=-1).sum() > (plain != GREEN).any(axis=-1).sum()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (20, 2000), (7, 7), (96, 96), (200, 300)])
def test_any_size_is_kept(size: tuple[int, int]) -> None:
    height, width = size
    made = grounding(
        image=np.full((*size, 3), 90, np.uint8),
        heatmap=np.zeros(size, np.float32),
        mask=np.ones(size, bool),
        box=(0.0, 0.0, float(width), float(height)),
        point=(0.5, 0.5),
        seen=(0.0, 0.0, float(width), float(height)),
    )
    assert overlay(made, max_side=4000).size == (width, height)


def test_max_side_wins_over_min_side() -> None:
    made = grounding(20, 2000, mask=np.zeros((20, 2000), bool))
    assert overlay(made, max_side=1000, min_side=400).size == (1000, 10)
    assert overlay(grounding(), min_side=400).size == (600, 400)


@pytest.mark.parametrize(
    "phrase",
    [
        "كلب صغير",
        "🐕‍🦺 the dog 🎈",
        "word " * 5000,
        "x" * 5000,
        "line\nbreak\ttab\0null",
        "\ud800 lone surrogate",
        " ",
        "शान्ति",
        "ก็",
    ],
)
def test_no_phrase_crashes_the_label(phrase: str) -> None:
    picture = overlay(grounding(phrase=phrase))
    assert picture.size == (300, 200)


def test_a_long_label_stays_inside_two_lines() -> None:
    changed = (drawn(grounding(phrase="word " * 5000), "label") != GREEN).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert rows.max() - rows.min() < 50
    assert columns.max() < 300


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"alpha": 1.5}, BadOptionError, "alpha must lie between 0 and 1, got 1.5"),
        ({"alpha": float("nan")}, BadOptionError, "alpha"),
        ({"colormap": "infernoo"}, UnknownNameError, "Did you mean 'inferno'"),
        ({"show": ("boxes",)}, UnknownNameError, "Did you mean 'box'"),
        ({"show": "box"}, BadOptionError, "('box',)"),
        ({"max_side": 0}, BadOptionError, "max_side"),
    ],
)
def test_bad_options(options: Any, error: type[VlmscopeError], words: str) -> None:
    with pytest.raises(error) as caught:
        overlay(grounding(), **options)
    assert words in str(caught.value)


def test_grounding_overlay_is_this_one() -> None:
    made = grounding()
    np.testing.assert_array_equal(np.asarray(made.overlay()), np.asarray(overlay(made)))


# side by side


def test_one_scale_shows_the_weaker_one_darker() -> None:
    strong = grounding()
    weak = grounding(score_map=strong.score_map / 4)
    options: dict[str, Any] = {"height": 200, "gap": 10, "show": ("heatmap",)}
    shared = np.asarray(side_by_side([strong, weak], **options)).astype(int)
    assert shared.shape == (200, 610, 3)
    assert shared[100, 90].sum() > shared[100, 90 + 310].sum() + 150
    assert (shared[:, 300:310] == 255).all()
    own = np.asarray(side_by_side([strong, weak], shared_scale=False, **options)).astype(int)
    assert (own[100, 90] == own[100, 400]).all()


def test_one_scale_needs_one_model() -> None:
    with pytest.raises(BadOptionError, match="shared_scale=False"):
        side_by_side([grounding(), grounding(model="another")])
    with pytest.raises(BadOptionError, match="at least one"):
        side_by_side([])
