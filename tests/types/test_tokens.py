"""Roles and geometry of a prompt's tokens: whose columns are whose, cut, carried and painted."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.types import Carry, Role, TokenMap, View


def view(
    box: tuple[float, float, float, float],
    grid: tuple[int, int],
    first: int = 0,
    image: int = 0,
) -> View:
    """Regular cells over an xyxy rectangle; its tokens stand in a row from ``first``."""
    x0, y0, x1, y1 = box
    return View(
        "image",
        np.arange(first, first + grid[0] * grid[1]),
        np.linspace(y0, y1, grid[0] + 1),
        np.linspace(x0, x1, grid[1] + 1),
        image,
    )


def token_map(*views: View, size: tuple[int, int] = (20, 30), **more: object) -> TokenMap:
    return TokenMap(np.zeros(40, np.int8), ("",) * 40, size, views, **more)


def three_views() -> TokenMap:
    """Two views of a first image and one of a second; 6 + 2 + 4 cells."""
    return token_map(
        view((0, 0, 30, 20), (2, 3), 10),
        view((0, 0, 30, 20), (1, 2), 4),
        view((0, 0, 8, 6), (4, 1), 20, image=1),
        more_sizes=((6, 8),),
    )


def carrying() -> TokenMap:
    """Three images of a Q-Former: two, one and two query tokens for two, three and one cells."""
    return token_map(
        view((0, 0, 30, 20), (1, 2), 100),
        view((0, 0, 8, 6), (3, 1), 100, image=1),
        view((0, 0, 5, 5), (1, 1), 100, image=2),
        more_sizes=((6, 8), (5, 5)),
        carries=(
            Carry(np.array([7, 8]), np.array([[1.0, 0.0], [0.5, 0.5]])),
            Carry(np.array([3]), np.array([[0.5, 0.25, 0.25]]), 1),
            Carry(np.array([11, 12]), np.array([[1.0], [1.0]]), 2),
        ),
    )


# roles


def test_roles_are_the_numbers_that_files_hold() -> None:
    assert [(role.name, int(role)) for role in Role] == [
        *(("PAD", 0), ("SYSTEM", 1), ("IMAGE", 2)),
        *(("QUERY", 3), ("PHRASE", 4), ("GENERATED", 5)),
    ]


@pytest.mark.parametrize(
    ("role", "positions"),
    [
        ("pad", [0]),
        ("system", [1]),
        ("image", [2, 6]),
        ("query", [3, 4]),  # the phrase is a part of the query
        ("phrase", [4]),
        ("generated", [5]),
        ("text", [1, 3, 4]),
    ],
)
def test_positions_of_each_role(role: str, positions: list[int]) -> None:
    roles = np.array([0, 1, 2, 3, 4, 5, 2], np.int8)
    tokens = TokenMap(roles, ("",) * 7, (4, 4), (view((0, 0, 4, 4), (1, 1)),))
    assert len(tokens) == 7
    assert tokens.positions(role).tolist() == positions


def test_another_role_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="token role.*picture"):
        three_views().positions("picture")


# whose columns are whose


def test_columns_of_a_map_are_the_views_in_their_order() -> None:
    expected = [10, 11, 12, 13, 14, 15, 4, 5, 20, 21, 22, 23]
    assert three_views().image_positions.tolist() == expected
    assert carrying().image_positions.tolist() == [7, 8, 3, 11, 12]  # the query tokens
    assert not three_views().crossed


def test_one_image_of_several_alone() -> None:
    whole = three_views()
    assert whole.images == 2
    first, columns = whole.of_image(0)
    assert columns.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert first.image_size == (20, 30) and first.views[0].grid == (2, 3)
    second, columns = whole.of_image(1)
    assert columns.tolist() == [8, 9, 10, 11]
    assert second.image_size == (6, 8) and second.images == 1
    assert [(each.grid, each.image) for each in second.views] == [((4, 1), 0)]


def test_one_image_of_several_with_its_query_tokens() -> None:
    alone, columns = carrying().of_image(2)
    assert columns.tolist() == [3, 4]
    assert [each.image for each in alone.carries] == [0]
    assert alone.image_positions.tolist() == [11, 12]
    assert alone.split([2.0, 3.0])[0].tolist() == [[5.0]]


@pytest.mark.parametrize("image", [-1, 2])
def test_an_image_that_is_not_there_is_refused(image: int) -> None:
    with pytest.raises(BadOptionError, match=rf"holds 2 image\(s\), 0 to 1; got {image}"):
        three_views().of_image(image)


def test_what_any_view_sees_is_seen() -> None:
    tokens = token_map(
        view((10, 20, 30, 60), (1, 1)), view((5, 40, 70, 50), (1, 1)), size=(100, 80)
    )
    assert tokens.seen == (5, 20, 70, 60)
    assert tokens.unseen_fraction == 1 - 65 * 40 / 8000
    assert token_map(view((-5, -5, 99, 99), (3, 3))).unseen_fraction == 0


# cut into grids


def test_weights_are_cut_into_one_grid_per_view() -> None:
    stacked = np.arange(2 * 3 * 12).reshape(2, 3, 12)
    one, two, three = three_views().split(stacked)
    assert (one.shape, two.shape, three.shape) == ((2, 3, 2, 3), (2, 3, 1, 2), (2, 3, 4, 1))
    assert one[0, 1].tolist() == [[12, 13, 14], [15, 16, 17]]
    assert two[1, 0].tolist() == [[42, 43]]
    assert three[1, 2].tolist() == [[68], [69], [70], [71]]
    assert one.dtype == np.float64
    alone = three_views().split(list(range(12)))
    assert [grid.tolist() for grid in alone[1:]] == [[[6, 7]], [[8], [9], [10], [11]]]


@pytest.mark.parametrize("weights", [1.0, np.zeros(11), np.zeros((12, 11)), np.zeros((12, 2, 13))])
def test_weights_of_another_number_of_tokens_are_refused(weights: object) -> None:
    with pytest.raises(ValueError, match="weights must end in 12 image tokens, got shape"):
        three_views().split(weights)


def test_query_tokens_are_carried_to_the_cells_of_their_own_image() -> None:
    tokens = carrying()
    assert tokens.carried([2, 4, 8, 16, 32]).tolist() == [4, 2, 4, 2, 2, 48]
    assert [grid.tolist() for grid in tokens.split([2, 4, 8, 16, 32])] == [
        *([[4, 2]], [[4], [2], [2]], [[48]]),
    ]
    stacked = np.zeros((2, 3, 5))
    stacked[1, 2] = [2, 4, 8, 16, 32]
    carried = tokens.carried(stacked)
    assert carried.shape == (2, 3, 6)
    assert carried[1, 2].tolist() == [4, 2, 4, 2, 2, 48] and not carried[0].any()


def test_tokens_that_stand_for_cells_are_not_carried() -> None:
    tokens = three_views()
    carried = tokens.carried([1, 2])
    assert carried.tolist() == [1, 2] and carried.dtype == np.float64
    assert tokens.on_cells() is tokens


def test_carried_weights_go_with_a_map_of_cells() -> None:
    tokens = carrying()
    cells = tokens.on_cells()
    assert cells.carries == ()
    assert [each.positions.tolist() for each in cells.views] == [[0, 1], [2, 3, 4], [5]]
    assert cells.image_positions.tolist() == [0, 1, 2, 3, 4, 5]
    weights = [2.0, 4.0, 8.0, 16.0, 32.0]
    for one, two in zip(tokens.split(weights), cells.split(tokens.carried(weights)), strict=True):
        np.testing.assert_array_equal(one, two)


# painted


def test_weights_are_painted_on_the_image() -> None:
    tokens = token_map(view((0, 0, 2, 1), (1, 2)), size=(2, 3))
    assert tokens.to_pixels([3.0, 5.0], "nearest").tolist() == [[3, 5, 0], [0, 0, 0]]
    wide = token_map(view((0, 0, 4, 1), (1, 2)), size=(1, 4))
    assert wide.to_pixels([0.0, 8.0]).tolist() == [[0, 2, 6, 8]]  # bilinear


def test_several_images_are_not_painted_on_one() -> None:
    tokens = three_views()
    with pytest.raises(BadOptionError, match="holds 2 images"):
        tokens.to_pixels(np.ones(12))
    alone, columns = tokens.of_image(1)
    assert alone.to_pixels(np.ones(12)[columns]).tolist() == [[1] * 8] * 6
