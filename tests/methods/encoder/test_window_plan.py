"""Where windows lie and how they are blended, to the number."""

from __future__ import annotations

import pytest
import torch

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.window import WindowPlan, taper

# where they lie


def test_no_window_is_the_whole_image() -> None:
    assert WindowPlan.over((4, 7), 8, 0, 0) == WindowPlan((4, 7), (4, 7), ((0, 0),))


@pytest.mark.parametrize(
    ("cells", "window", "stride", "size", "starts"),
    [
        (10, 48, 24, 6, [0, 3, 4]),  # the last one is moved back
        (12, 48, 24, 6, [0, 3, 6]),  # the last one fits
        (9, 32, 24, 4, [0, 3, 5]),
        (8, 32, 24, 4, [0, 3, 4]),
        (12, 48, 0, 6, [0, 3, 6]),  # half a window
        (4, 8, 0, 1, [0, 1, 2, 3]),  # half of a patch is a patch
        (4, 8, 8, 1, [0, 1, 2, 3]),
        (9, 32, 32, 4, [0, 4, 5]),
        (5, 20, 20, 2, [0, 2, 3]),  # rounded to whole patches, as Python rounds
        (7, 28, 9, 4, [0, 1, 2, 3]),
        (6, 48, 24, 6, [0]),
        (5, 48, 24, 5, [0]),  # no larger than the image
    ],
)
def test_windows_along_an_axis(
    cells: int, window: int, stride: int, size: int, starts: list[int]
) -> None:
    across = WindowPlan.over((1, cells), 8, window, stride)
    assert across == WindowPlan((1, cells), (1, size), tuple((0, start) for start in starts))
    down = WindowPlan.over((cells, 1), 8, window, stride)
    assert down == WindowPlan((cells, 1), (size, 1), tuple((start, 0) for start in starts))


@pytest.mark.parametrize(
    ("window", "stride"), [(7, 0), (7, 7), (32, 7), (32, 1), (32, 33), (1, 0), (8, 9)]
)
def test_parts_of_patches_and_gaps_are_refused(window: int, stride: int) -> None:
    with pytest.raises(BadOptionError, match=f"got window {window} and stride {stride}"):
        WindowPlan.over((9, 9), 8, window, stride)


def test_a_stride_needs_a_window() -> None:
    with pytest.raises(BadOptionError, match="A stride of 8 needs a window"):
        WindowPlan.over((9, 9), 8, 0, 8)


# what they hold


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 4), (3, [3, 1]), (4, [4]), (9, [4])])
def test_pixels_of_every_window_in_batches(batch: int, sizes: list[int]) -> None:
    corners = ((0, 0), (0, 1), (1, 0), (1, 1))
    plan = WindowPlan((3, 4), (2, 3), corners)
    image = torch.arange(1 * 2 * 6 * 8).reshape(1, 2, 6, 8)
    parts = list(plan.cut(image, 2, batch))
    assert [len(part) for part in parts] == sizes
    for window, (top, left) in zip(torch.cat(parts), corners, strict=True):
        y, x = 2 * top, 2 * left
        assert torch.equal(window, image[0, :, y : y + 4, x : x + 6])


# how they are blended


def test_the_scores_of_a_single_window_are_handed_on() -> None:
    scores = torch.rand(1, 35, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(WindowPlan((5, 7), (5, 7), ((0, 0),)).blend(scores), scores[0])


def test_a_window_counts_by_the_squared_sine_of_the_place_in_it() -> None:
    assert taper(1).tolist() == [1.0]
    torch.testing.assert_close(taper(2), torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(taper(3), torch.tensor([0.25, 1.0, 0.25]))


def test_overlapping_windows_are_averaged_by_their_weights() -> None:
    plan = WindowPlan((1, 4), (1, 3), ((0, 0), (0, 1)))  # weights 1/4, 1, 1/4
    scores = torch.tensor(
        [[[1.0, 0.0], [2.0, 0.0], [3.0, 5.0]], [[6.0, 0.0], [7.0, 0.0], [8.0, 9]]]
    )
    expected = [[1.0, 0.0], [(2 + 6 / 4) / 1.25, 0.0], [(3 / 4 + 7) / 1.25, 1.0], [8.0, 9.0]]
    torch.testing.assert_close(plan.blend(scores), torch.tensor(expected))


def test_windows_are_blended_in_both_directions() -> None:
    """Cell by cell: a 3x4 image, four windows of 2x3, three texts."""
    corners = ((0, 0), (0, 1), (1, 0), (1, 1))
    scores = torch.rand(4, 6, 3, generator=torch.Generator().manual_seed(0))
    down, across = [0.5, 0.5], [0.25, 1.0, 0.25]
    expected = torch.zeros(12, 3)
    for row in range(3):
        for column in range(4):
            total, share = torch.zeros(3), 0.0
            for part, (top, left) in zip(scores, corners, strict=True):
                y, x = row - top, column - left
                if 0 <= y < 2 and 0 <= x < 3:
                    total += down[y] * across[x] * part[y * 3 + x]
                    share += down[y] * across[x]
            expected[row * 4 + column] = total / share
    found = WindowPlan((3, 4), (2, 3), corners).blend(scores)
    torch.testing.assert_close(found, expected)


def test_half_precision_stays_half() -> None:
    plan = WindowPlan((1, 4), (1, 3), ((0, 0), (0, 1)))
    assert plan.blend(torch.ones(2, 3, 1, dtype=torch.float16)).dtype == torch.float16
