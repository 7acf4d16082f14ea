"""Grids of patches, worked out by hand: their size, pixel values, positions, and token map."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlmscope.errors import BadOptionError
from vlmscope.models.encoders.patches import (
    Normalisation,
    grid_map,
    grid_size,
    resize_positions,
    to_pixel_values,
)
from vlmscope.types import Role

# -- how many patches --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "side", "keep_ratio", "grid"),
    [
        ((100, 200), 32, True, (4, 8)),
        ((200, 100), 32, True, (8, 4)),
        ((100, 200), 32, False, (4, 4)),
        ((100, 200), (16, 40), True, (2, 5)),  # both sides are said: the ratio is theirs
        ((100, 200), (16, 40), False, (2, 5)),
        ((100, 130), 32, True, (4, 5)),  # 5.2 patches
        ((10, 10), 8, False, (1, 1)),
        ((10, 10), 8, True, (1, 1)),
    ],
)
def test_a_grid_has_the_side_that_is_asked_for(
    image: tuple[int, int], side: int | tuple[int, int], keep_ratio: bool, grid: tuple[int, int]
) -> None:
    assert grid_size(image, 8, side, keep_ratio) == grid


@pytest.mark.parametrize("side", [7, (7, 80), (80, 7)])
def test_a_side_smaller_than_a_patch_is_refused(side: int | tuple[int, int]) -> None:
    with pytest.raises(BadOptionError, match="smaller than one patch .8 pixels"):
        grid_size((10, 10), 8, side, False)


def test_65536_patches_can_be_attended_and_no_more() -> None:
    assert grid_size((10, 10), 2, 512, False) == (256, 256)
    with pytest.raises(BadOptionError, match=r"The side \(514, 512\) makes 257x256 patches"):
        grid_size((10, 10), 2, (514, 512), False)
    assert grid_size((10, 40), 2, 256, True) == (128, 512)
    with pytest.raises(BadOptionError, match="An image of 41x10 becomes 128x525 patches"):
        grid_size((10, 41), 2, 256, True)


# -- pixel values ------------------------------------------------------------------------


def test_what_a_processor_does_not_say_is_the_usual() -> None:
    plain = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), resample=3, rescale=1 / 255)
    assert Normalisation.of(SimpleNamespace()) == plain
    off = SimpleNamespace(do_normalize=False, image_mean=[0.5] * 3, image_std=[0.25] * 3)
    assert Normalisation.of(off) == plain


def test_what_a_processor_says_is_taken() -> None:
    said = SimpleNamespace(
        image_mean=[0.1, 0.2, 0.3], image_std=[0.4, 0.5, 0.6], resample=0, rescale_factor=0.5
    )
    expected = Normalisation((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), resample=0, rescale=0.5)
    assert Normalisation.of(said) == expected


def test_pixels_become_values_by_channel() -> None:
    """One row of two pixels on 1x2 patches of 2: every pixel four times, (value / 2 - mean) / std."""
    pixels = np.array([[[2, 4, 6], [8, 10, 12]]], dtype=np.uint8)
    nearest = Normalisation((1.0, 2.0, 3.0), (1.0, 2.0, 4.0), resample=0, rescale=0.5)
    values = to_pixel_values(pixels, (1, 2), 2, nearest)
    assert values.dtype == torch.float32 and values.is_contiguous()
    expected = [
        [[0.0, 0.0, 3.0, 3.0]] * 2,
        [[0.0, 0.0, 1.5, 1.5]] * 2,
        [[0.0, 0.0, 0.75, 0.75]] * 2,
    ]
    assert values.tolist() == [expected]


# -- positions ---------------------------------------------------------------------------


def positions_of(rows: torch.Tensor) -> torch.Tensor:
    """Five special tokens of -1 in front of a 4x4 grid whose columns all read ``rows``: (1, 21, 3)."""
    grid = rows[:, None].expand(4, 4).reshape(16, 1) + torch.tensor([0.0, 100.0, 200.0])
    return torch.cat([torch.full((5, 3), -1.0), grid])[None]


def test_positions_of_the_own_grid_are_the_same_tensor() -> None:
    positions = torch.rand(1, 21, 3)
    assert resize_positions(positions, 5, (4, 4)) is positions


def test_a_smaller_grid_takes_the_mean_over_what_it_stands_for() -> None:
    """A triangle two rows wide to each side: 3, 3 and 1 of 7 parts of the three rows it reaches."""
    positions = positions_of(torch.tensor([0.0, 7.0, 14.0, 21.0]))
    resized = resize_positions(positions, 5, (2, 3), mode="bilinear")
    assert resized.shape == (1, 11, 3)
    assert torch.equal(resized[:, :5], positions[:, :5])
    rows = torch.tensor([5.0] * 3 + [16.0] * 3)
    torch.testing.assert_close(resized[0, 5:], rows[:, None] + torch.tensor([0.0, 100.0, 200.0]))


def test_a_grid_is_resized_by_cubics_unless_the_model_was_trained_otherwise() -> None:
    """Between a row of 0 and a row of 1 the cubic leaves what is below 0 and above 1."""
    positions = positions_of(torch.tensor([0.0, 0.0, 1.0, 1.0]))
    straight = resize_positions(positions, 5, (8, 4), mode="bilinear")[0, 5::4, 0]
    cubic = resize_positions(positions, 5, (8, 4))[0, 5::4, 0]
    torch.testing.assert_close(straight, torch.tensor([0, 0, 0, 0.25, 0.75, 1, 1, 1]))
    assert cubic.min() < -0.02 and cubic.max() > 1.02


# -- the token map -----------------------------------------------------------------------


def test_a_grid_covers_the_whole_image() -> None:
    token_map = grid_map((30, 80), (3, 4))
    (view,) = token_map.views
    assert view.name == "image" and view.positions.tolist() == list(range(12))
    assert view.y_edges.tolist() == [0, 10, 20, 30]
    assert view.x_edges.tolist() == [0, 20, 40, 60, 80]
    assert token_map.roles.dtype == np.int8 and (token_map.roles == Role.IMAGE).all()
    assert token_map.tokens == ("",) * 12
    assert token_map.image_size == (30, 80) and token_map.placement == "resize"
