"""Methods side by side: one scale for all, read off a bar, and each in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import find_objects, label

from vlmscope.errors import BadOptionError, UnknownNameError, VlmscopeError
from vlmscope.results import Grounding, MethodComparison, deviations, overlay_methods
from vlmscope.results.method_comparison import _range, _ticks

SIZE = (100, 100)


def grounding(height: int, width: int, **changes: Any) -> Grounding:
    """On a plain green image."""
    plain: dict[str, Any] = {
        "phrase": "the red square",
        "method": "any",
        "model": "tiny",
        "image": np.full((height, width, 3), (60, 120, 60), np.uint8),
        "score_map": np.array([[0.0, 0.4]], np.float32),
        "score": 0.4,
        "seen": (0.0, 0.0, float(width), float(height)),
    }
    return Grounding(**{**plain, **changes})


def spot(method: str, side: int, **changes: Any) -> Grounding:
    """A map that is lit in a square in the middle, nowhere else."""
    heat = np.zeros(SIZE, np.float32)
    low, high = 50 - side // 2, 50 + side // 2
    heat[low:high, low:high] = 1
    box = (float(low), float(low), float(high), float(high))
    plain = {"method": method, "heatmap": heat, "mask": heat > 0, "box": box, "point": (50.0, 50.0)}
    return grounding(*SIZE, **{**plain, "score_map": heat[::25, ::25] * 0.003 - 0.001, **changes})


def comparison(*rows: dict[str, Grounding], **changes: Any) -> MethodComparison:
    methods = {method: tuple(row[method] for row in rows) for method in rows[0]}
    phrases = tuple(f"phrase {number}" for number in range(len(rows)))
    return MethodComparison("tiny", phrases, methods, **changes)


def two(**changes: Any) -> MethodComparison:
    row = {"sharp": spot("sharp", 10), "broad": spot("broad", 60)}
    return comparison(row, **changes)


def tiles(sheet: np.ndarray, cell: int) -> list[tuple[int, int]]:
    """(left, top) of every picture, row after row: what is as wide and high as a cell."""
    labels, _ = label(np.abs(sheet.astype(int) - 255).sum(-1) > 60)
    boxes = [(rows, columns) for rows, columns in find_objects(labels)]
    sizes = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes]
    found = [box for box, size in zip(boxes, sizes, strict=True) if size == (cell, cell)]
    return sorted(((c.start, r.start) for r, c in found), key=lambda place: place[::-1])


# the unit


def test_deviations_are_standard_scores_over_what_was_seen() -> None:
    rng = np.random.default_rng(0)
    heat = rng.random((40, 60)).astype(np.float32)
    seen = (10.0, 0.0, 50.0, 40.0)
    made = grounding(40, 60, heatmap=heat, mask=heat > 0.9, box=None, point=None, seen=seen)
    found = deviations(made)
    inside = heat[:, 10:50].astype(float)
    np.testing.assert_allclose(found[:, 10:50], (inside - inside.mean()) / inside.std(), atol=1e-6)
    assert not found[:, :10].any() and not found[:, 50:].any()


def test_units_fall_away_and_flat_maps_are_flat() -> None:
    made = spot("sharp", 20)
    other = spot("sharp", 20, heatmap=made.heatmap * 0.25 + 0.5)  # the same map in another unit
    np.testing.assert_allclose(deviations(made), deviations(other), atol=1e-6)
    flat = spot("flat", 20, heatmap=np.full(SIZE, 0.3, np.float32))
    assert not deviations(flat).any()


def test_what_stands_out_more_is_brighter_on_the_one_scale() -> None:
    sheet = np.asarray(overlay_methods(two(), cell=100, show=("heatmap",))).astype(int)
    (_, _), (first, top), (second, _) = tiles(sheet, 100)
    sharp, broad = sheet[top + 50, first + 50].sum(), sheet[top + 50, second + 50].sum()
    assert sharp > broad + 150
    # each is stretched to 0..1 on its own, so without the common unit both would be equal
    assert two()["sharp"][0].heatmap[50, 50] == two()["broad"][0].heatmap[50, 50]
    # away from the spots neither is lit: the darkened grey of the picture
    corners = sheet[top + 5, first + 5], sheet[top + 5, second + 5]
    assert (corners[0] == corners[1]).all() and np.ptp(corners[0]) <= 4


def test_a_given_top_makes_sheets_comparable() -> None:
    def centre(made: MethodComparison, **options: Any) -> np.ndarray:
        sheet = np.asarray(overlay_methods(made, cell=100, show=("heatmap",), **options))
        left, top = tiles(sheet, 100)[1]
        return sheet[top + 50, left + 50].astype(int)

    broad = comparison({"broad": spot("broad", 60)})
    beside = comparison({"broad": spot("broad", 60), "sharp": spot("sharp", 10)})
    assert centre(broad).sum() > centre(beside).sum() + 150  # the sharp one moves the top
    np.testing.assert_array_equal(centre(broad, top=9.0), centre(beside, top=9.0))


# the sheet


def test_phrases_are_rows_and_methods_are_columns_after_the_image() -> None:
    row = {name: spot(name, side) for name, side in (("a", 10), ("b", 30), ("c", 60))}
    sheet = np.asarray(overlay_methods(comparison(row, row), cell=100, show=()))
    places = tiles(sheet, 100)
    assert len(places) == 8
    lefts, tops = sorted({left for left, _ in places}), sorted({top for _, top in places})
    assert (len(lefts), len(tops)) == (4, 2)
    image = sheet[tops[0] + 20, lefts[0] + 20]
    assert tuple(image) == (60, 120, 60)  # in its own colours
    grey = sheet[tops[0] + 20, lefts[1] + 20]
    assert np.ptp(grey) == 0 and grey[0] == round(0.299 * 60 + 0.587 * 120 + 0.114 * 60)


def test_the_colour_bar_runs_from_dark_to_bright() -> None:
    sheet = np.asarray(overlay_methods(two(), cell=100)).astype(int)
    below = max(top for _, top in tiles(sheet, 100)) + 110
    dark = (sheet[below:].sum(-1) < 30).any(axis=1).nonzero()[0] + below
    row = next(
        y for y in dark if (sheet[y, 20:400].sum(-1) < 740).all() and sheet[y, 400].sum() > 500
    )
    bar = sheet[row, 6:420].sum(axis=-1)
    assert (np.diff(bar[::20]) > 0).all()
    assert bar[0] < 30 and bar[-1] > 550


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (5.0, [0, 1, 2, 3, 4, 5]),
        (7.0, [0, 2, 4, 6, 7]),
        (8.0, [0, 2, 4, 6, 8]),
        (13.0, [0, 5, 10, 13]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (40.0, [0, 10, 20, 30, 40]),
    ],
)
def test_ticks(highest: float, expected: list[float]) -> None:
    assert _ticks(highest) == pytest.approx(expected)


def test_what_was_left_out_makes_the_legend_longer() -> None:
    plain = overlay_methods(two(), cell=100)
    longer = overlay_methods(two(left_out={"gem": "It does not run here. " * 8}), cell=100)
    assert longer.width == plain.width and longer.height > plain.height + 20


def test_no_sentence_of_the_legend_is_cut_off_on_the_narrowest_sheet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from vlmscope.results import method_comparison as module

    said: list[str] = []
    real = module.fit

    def kept(*args: Any) -> list[str]:
        lines = real(*args)
        said.extend(lines)
        return lines

    monkeypatch.setattr(module, "fit", kept)
    assert overlay_methods(comparison({"a": spot("a", 10)}), cell=280).width == 640
    text = " ".join(said)
    assert all(sentence in text for sentence in module._LEGEND) and not text.endswith("…")


def test_nothing_lit_is_said_and_breaks_nothing() -> None:
    nothing = spot(
        "none",
        10,
        heatmap=np.zeros(SIZE, np.float32),
        mask=np.zeros(SIZE, bool),
        box=None,
        point=None,
        score_map=np.zeros((4, 4), np.float32),
    )
    made = comparison({"none": nothing})
    sheet = np.asarray(overlay_methods(made, cell=100)).astype(int)
    (_, top), (left, _) = tiles(sheet, 100)
    inside = sheet[top : top + 100, left : left + 100]
    assert (inside == inside[0, 0]).all()
    assert _range(nothing) == "0 … 0, nothing lights up"
    assert _range(spot("some", 60)) == "-0.001 … 0.002"


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (40, 400), (400, 40), (3, 900)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_images_of_any_shape(size: tuple[int, int], theme: str) -> None:
    height, width = size
    heat = np.linspace(0, 1, height * width, dtype=np.float32).reshape(size)
    whole = (0.0, 0.0, float(width), float(height))
    made = grounding(*size, heatmap=heat, mask=heat > 0.5, box=whole, point=(0.5, 0.5))
    row = {"a": made, "b": made}
    sheet = overlay_methods(comparison(row), cell=120, theme=theme)
    assert sheet.width >= 640 and sheet.height > 120 * min(1, height / width)


def test_long_phrases_and_other_scripts_stay_on_the_sheet() -> None:
    row = {"a": spot("a", 10)}
    for phrase in ("word " * 400, "كلب صغير", "🐕 the dog", "\ud800"):
        made = MethodComparison("tiny", (phrase,), {"a": (row["a"],)})
        assert overlay_methods(made, cell=100).width == 640


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"theme": "lihgt"}, UnknownNameError, "'light'"),
        ({"colormap": "infrno"}, UnknownNameError, "'inferno'"),
        ({"cell": 20}, BadOptionError, "cell must be at least 64"),
        ({"top": 0}, BadOptionError, "top must be a number above 0"),
        ({"top": float("nan")}, BadOptionError, "top must be"),
        ({"alpha": 2}, BadOptionError, "alpha must lie"),
        ({"show": ("boxes",)}, UnknownNameError, "'box'"),
    ],
)
def test_bad_options(options: Any, error: type[VlmscopeError], words: str) -> None:
    with pytest.raises(error, match=words):
        overlay_methods(two(), **options)


def test_nothing_to_draw() -> None:
    with pytest.raises(BadOptionError, match="nothing to draw"):
        overlay_methods(MethodComparison("tiny", (), {"a": ()}))


def test_the_comparisons_overlay_is_this_one() -> None:
    made = two()
    drawn, own = overlay_methods(made, cell=100), made.overlay(cell=100)
    np.testing.assert_array_equal(np.asarray(drawn), np.asarray(own))
