"""Sliding windows: they cover everything, and no border of a window shows."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest
import torch

import vlmscope as vs
from dual_families import clip
from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder import window
from vlmscope.methods.encoder.window import WindowPlan, taper

GRIDS = [(12, 12), (12, 31), (40, 9), (3, 20), (1, 1), (5, 6)]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("size", "stride"), [(48, 24), (48, 8), (48, 0), (40, 40), (8, 8)])
def test_windows_cover_the_grid_and_stay_inside(
    grid: tuple[int, int], size: int, stride: int
) -> None:
    plan = WindowPlan.over(grid, 8, size, stride)
    seen = np.zeros(grid, dtype=int)
    for top, left in plan.corners:
        assert 0 <= top <= grid[0] - plan.size[0]
        assert 0 <= left <= grid[1] - plan.size[1]
        seen[top : top + plan.size[0], left : left + plan.size[1]] += 1
    assert (seen > 0).all()
    assert len(set(plan.corners)) == len(plan.corners)


def test_cut_gives_the_pixels_of_every_window() -> None:
    plan = WindowPlan.over((4, 7), 8, 24, 16)
    values = torch.arange(3 * 32 * 56.0).reshape(1, 3, 32, 56)
    parts = torch.cat(list(plan.cut(values, 8, batch=4)))
    assert [len(part) for part in plan.cut(values, 8, batch=4)] == [4, 2]
    assert plan.corners == ((0, 0), (0, 2), (0, 4), (1, 0), (1, 2), (1, 4))
    for part, (top, left) in zip(parts, plan.corners, strict=True):
        y, x = top * 8, left * 8
        assert torch.equal(part, values[0, :, y : y + 24, x : x + 24])


@pytest.mark.parametrize("grid", GRIDS)
def test_windows_that_agree_are_not_changed(grid: tuple[int, int]) -> None:
    plan = WindowPlan.over(grid, 8, 40, 16)
    whole = torch.randn(*grid, 3)
    parts = [
        whole[top : top + plan.size[0], left : left + plan.size[1]].flatten(0, 1)
        for top, left in plan.corners
    ]
    torch.testing.assert_close(plan.blend(torch.stack(parts)), whole.flatten(0, 1))


def test_tapers_that_overlap_by_half_sum_to_one() -> None:
    line = taper(8)
    torch.testing.assert_close(line[:4] + line[4:], torch.ones(4))
    assert (taper(1) > 0).all()


def border_steps(blended: np.ndarray, plan: WindowPlan) -> tuple[float, float]:
    """Mean step between neighbouring columns at the borders of windows, and elsewhere."""
    steps = np.abs(np.diff(blended, axis=1))
    borders = {left for _, left in plan.corners} | {left + plan.size[1] for _, left in plan.corners}
    at = sorted(column - 1 for column in borders if 0 < column < plan.grid[1])
    others = [column for column in range(steps.shape[1]) if column not in at]
    return float(steps[:, at].mean()), float(steps[:, others].mean())


@pytest.mark.parametrize("flat", [False, True], ids=["tapered", "flat"])
def test_no_seams_where_windows_disagree_wholly(
    monkeypatch: pytest.MonkeyPatch, flat: bool
) -> None:
    if flat:  # what a plain average does: this test tells the two apart
        monkeypatch.setattr(window, "taper", torch.ones)
    plan = WindowPlan.over((16, 64), 8, 128, 64)
    torch.manual_seed(0)
    offsets = torch.randn(len(plan.corners), 1, 1).expand(-1, 16 * 16, 1)
    blended = plan.blend(offsets).reshape(16, 64).numpy()
    at_borders, elsewhere = border_steps(blended, plan)
    assert (at_borders <= elsewhere) != flat


@pytest.mark.parametrize("flat", [False, True], ids=["tapered", "flat"])
def test_no_seams_in_an_image(monkeypatch: pytest.MonkeyPatch, flat: bool) -> None:
    if flat:
        monkeypatch.setattr(window, "taper", torch.ones)
    encoder = clip()
    rows, columns = np.mgrid[0:64, 0:256]
    wave = 128 + 60 * np.sin(columns / 23) + 50 * np.cos(rows / 17 + columns / 41)
    pixels = np.repeat(wave[..., None], 3, axis=2).astype(np.uint8)
    found = vs.segment(
        encoder, pixels, "dog, bus", "clip-surgery", window=(64, 32), side=64, templates="none"
    )
    plan = WindowPlan.over((8, 32), 8, 64, 32)
    assert found.details["windows"] == len(plan.corners) == 7
    assert found.score_maps.shape == (2, 8, 32)
    at_borders, elsewhere = border_steps(found.score_maps[0], plan)
    assert (at_borders <= 1.1 * elsewhere) != flat


@pytest.mark.parametrize("name", ["gem", "naclip", "clip"])
def test_one_window_over_everything_equals_no_window(name: str) -> None:
    encoder = clip()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    options = {"method": name, "side": 48}
    without = vs.segment(encoder, pixels, "dog, bus", **options)
    within = vs.segment(encoder, pixels, "dog, bus", window=400, **options)
    assert within.details["windows"] == 1
    np.testing.assert_array_equal(without.score_maps, within.score_maps)
    np.testing.assert_array_equal(without.labels, within.labels)
    np.testing.assert_array_equal(without.presence, within.presence)


def test_windows_of_one_batch_do_not_touch_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = clip()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 96, 3), np.uint8)
    options = {"method": "gem", "window": (32, 16), "side": 48}
    together = vs.segment(encoder, pixels, "dog, bus", **options)
    # the package exports a function of the module's name
    module = importlib.import_module("vlmscope.methods.encoder.similarity")
    monkeypatch.setattr(module, "_TOKENS_AT_A_TIME", 1)
    one_by_one = vs.segment(encoder, pixels, "dog, bus", **options)
    np.testing.assert_allclose(together.score_maps, one_by_one.score_maps, atol=1e-5)
    np.testing.assert_allclose(together.presence, one_by_one.presence, atol=1e-5)


def test_ground_takes_windows_too() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 96, 3), np.uint8)
    found = vs.ground(clip(), pixels, "dog", method="gem", window=32, stride=16, side=48)
    assert found.score_map.shape == (6, 12)
    assert found.details["windows"] == 2 * 5


@pytest.mark.parametrize(
    "bad", [4, (32, 4), (32, 40), (-1, 8), (32.5, 16), (32, 16, 8), "32", (0, 16)]
)
def test_bad_windows_are_refused_before_any_image(bad: object) -> None:
    encoder = clip()
    with pytest.raises(BadOptionError, match="[Ww]indow|stride"):
        vs.segment(encoder, "no such image.png", "dog, bus", window=bad)


def test_neighbours_in_reading_order() -> None:
    corners = WindowPlan.over((10, 10), 8, 48, 24).corners
    assert list(corners) == list(itertools.product((0, 3, 4), (0, 3, 4)))
