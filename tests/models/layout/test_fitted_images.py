"""What fitting does to an image, worked out by hand: pixels, sizes, and each axis there and back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from vlmscope.errors import ModelMismatchError, UnknownNameError
from vlmscope.models.layout.placement import Axis, FittedImage, fit_image, shrink, size_mapping


def numbered(height: int, width: int) -> np.ndarray:
    """An image whose pixels differ from their neighbours: (height, width, 3), row + 2 * column."""
    rows, columns = np.arange(height)[:, None], np.arange(width)
    return np.repeat(((rows + 2 * columns) % 251).astype(np.uint8)[..., None], 3, axis=2)


def settings(**named: object) -> SimpleNamespace:
    """Settings of an image processor; a size or crop size of two numbers is (height, width)."""
    for name in ("size", "crop_size"):
        if isinstance(named.get(name), tuple):
            named[name] = dict(zip(("height", "width"), named[name], strict=True))
    return SimpleNamespace(**named)


AS_IT_IS = settings(do_resize=False)


# -- one axis, and the edges of cells ----------------------------------------------------


def test_an_axis_goes_there_and_back() -> None:
    axis = Axis(2.0, 3.0)
    assert axis.to_original(np.array([3.0, 7.0])).tolist() == [0.0, 2.0]
    assert axis.then(4.0, 1.0) == Axis(8.0, 13.0)


def test_cells_cover_the_image_or_end_short_of_it() -> None:
    fitted = FittedImage(numbered(2, 6), (12, 18), Axis(6.0, 0.0), Axis(2.0, 6.0), "pad")
    y, x = fitted.edges((2, 3))
    assert y.tolist() == [0.0, 1.0, 2.0] and x.tolist() == [-3.0, 0.0, 3.0, 6.0]
    y, x = fitted.edges((2, 4), patch=4)
    assert y.tolist() == [0.0, 4 / 6, 8 / 6] and x.tolist() == [-3.0, -1.0, 1.0, 3.0, 5.0]


# -- what happened, in a word ------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "placement", "processor", "word"),
    [
        ((4, 6), "processor", AS_IT_IS, "resize"),
        ((4, 6), "processor", settings(size=(8, 12)), "resize"),
        ((4, 6), "processor", settings(size=(8, 8)), "squash"),
        ((100, 100), "processor", settings(size=(100, 103)), "squash"),
        ((100, 100), "processor", settings(size=(100, 101)), "resize"),
        ((4, 6), "pad", AS_IT_IS, "pad"),
        ((4, 6), "pad", settings(size=(8, 8)), "pad"),
        ((4, 6), "pad", settings(size=(8, 12)), "squash"),
        ((4, 6), "processor", settings(size=(8, 8), do_pad=True), "pad"),
        ((4, 6), "pad", settings(size=(8, 8), do_center_crop=True, crop_size=(4, 4)), "crop"),
        ((4, 6), "processor", settings(do_resize=False, do_center_crop=True, crop_size=(4, 4)), "crop"),
        ((4, 6), "processor", settings(do_resize=False, do_center_crop=True, crop_size=(4, 6)), "resize"),
        ((4, 6), "processor", settings(do_resize=False, do_center_crop=True, crop_size=(8, 8)), "resize"),
    ],
)  # fmt: skip
def test_what_happened_to_an_image_has_a_name(
    image: tuple[int, int], placement: str, processor: SimpleNamespace, word: str
) -> None:
    assert fit_image(numbered(*image), processor, placement).placement == word


def test_another_placement_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="crop"):
        fit_image(numbered(4, 6), AS_IT_IS, "crop")


# -- nothing, padding --------------------------------------------------------------------


def test_an_image_that_nothing_is_done_to_stays_as_it_is() -> None:
    image = numbered(2, 40)
    fitted = fit_image(image, AS_IT_IS, "processor")
    assert fitted.pixels is image and fitted.size == (2, 40)
    assert fitted.y == fitted.x == Axis(1.0, 0.0)


@pytest.mark.parametrize("mean", [[0.5, 0.25, 1.0], None])
def test_padding_lies_on_both_sides_in_the_mean_colour(mean: list[float] | None) -> None:
    """Five rows are missing: two above, three below."""
    image, black = numbered(2, 7), mean is None
    fitted = fit_image(image, settings(do_resize=False, image_mean=mean), "pad")
    assert fitted.pixels.shape == (7, 7, 3) and fitted.pixels.dtype == np.uint8
    assert (fitted.y, fitted.x) == (Axis(1.0, 2.0), Axis(1.0, 0.0))
    np.testing.assert_array_equal(fitted.pixels[2:4], image)
    border = np.delete(fitted.pixels, [2, 3], axis=0)
    assert (border == ([0, 0, 0] if black else [127, 63, 255])).all()


def test_padding_of_a_tall_image_lies_left_and_right() -> None:
    image = numbered(7, 2)
    fitted = fit_image(image, AS_IT_IS, "pad")
    assert (fitted.y, fitted.x) == (Axis(1.0, 0.0), Axis(1.0, 2.0))
    np.testing.assert_array_equal(fitted.pixels[:, 2:4], image)


def test_a_square_needs_no_padding() -> None:
    image = numbered(3, 3)
    assert fit_image(image, AS_IT_IS, "pad").pixels is image


def test_a_padded_image_becomes_no_larger_than_4096_pixels() -> None:
    fitted = fit_image(numbered(1, 4097), AS_IT_IS, "pad")
    assert fitted.pixels.shape == (4096, 4096, 3)
    assert (fitted.y, fitted.x) == (Axis(1.0, 2047.0), Axis(4096 / 4097, 0.0))


@pytest.mark.parametrize(
    ("image", "side", "made"),
    [((10, 40), 20, (5, 20)), ((40, 10), 20, (20, 5)), ((1, 40), 10, (1, 10)), ((40, 1), 10, (10, 1)),
     ((3, 8), 4, (2, 4))],
)  # fmt: skip
def test_a_giant_is_brought_down_to_its_longer_side(
    image: tuple[int, int], side: int, made: tuple[int, int]
) -> None:
    pixels, y, x = shrink(numbered(*image), side)
    assert pixels.shape == (*made, 3)
    assert (y, x) == (Axis(made[0] / image[0], 0.0), Axis(made[1] / image[1], 0.0))


@pytest.mark.parametrize("side", [None, 6, 7])
def test_an_image_that_is_small_enough_is_the_same_array(side: int | None) -> None:
    image = numbered(4, 6)
    pixels, y, x = shrink(image, side)
    assert pixels is image and y == x == Axis(1.0, 0.0)


# -- resizing and cropping ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "target", "size"),
    [
        ((4, 6), (8, 3), (8, 3)),
        ((4, 7), {"shortest_edge": 10}, (10, 17)),  # 17.5 is cut off, not rounded
        ((7, 4), {"shortest_edge": 10}, (17, 10)),
        ((5, 5), {"shortest_edge": 10}, (10, 10)),
        ((4, 7), SimpleNamespace(shortest_edge=10, height=None, width=None), (10, 17)),
    ],
)
def test_an_image_is_resized_along_each_axis(
    image: tuple[int, int], target: object, size: tuple[int, int]
) -> None:
    fitted = fit_image(numbered(*image), settings(size=target), "processor")
    assert fitted.size == size
    assert (fitted.y.scale, fitted.x.scale) == (size[0] / image[0], size[1] / image[1])
    assert (fitted.y.offset, fitted.x.offset) == (0.0, 0.0)


def test_a_resize_whose_geometry_is_not_known_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="SimpleNamespace resizes by .*'longest_edge': 9"):
        fit_image(numbered(4, 6), settings(size={"longest_edge": 9}), "processor")


def test_sizes_come_as_mappings_as_objects_or_not_at_all() -> None:
    assert size_mapping({"height": 4.0, "width": None}) == {"height": 4}
    assert size_mapping(SimpleNamespace(height=4, width=None)) == {"height": 4}
    assert size_mapping(None) == {}


@pytest.mark.parametrize(
    ("image", "y", "x"),
    [
        ((9, 14), 0, -2),  # five columns too many: two are cut off in front, three behind
        ((14, 9), -2, 0),
        ((9, 4), 0, 3),  # five too few: three are filled up in front, two behind
        ((4, 9), 3, 0),
        ((9, 9), 0, 0),
    ],
)
def test_a_crop_keeps_the_middle(image: tuple[int, int], y: int, x: int) -> None:
    crop = settings(do_resize=False, do_center_crop=True, crop_size=(9, 9))
    fitted = fit_image(numbered(*image), crop, "processor")
    assert fitted.size == (9, 9)
    assert (fitted.y, fitted.x) == (Axis(1.0, y), Axis(1.0, x))


def test_a_crop_after_a_resize_is_undone_before_it() -> None:
    """4x6 becomes 8x12; the middle 4x7 of that begins in row 2 and column 2."""
    crop = settings(size=(8, 12), do_center_crop=True, crop_size=(4, 7))
    fitted = fit_image(numbered(4, 6), crop, "processor")
    y, x = fitted.edges((2, 7))
    assert y.tolist() == [1.0, 2.0, 3.0]
    assert x.tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5]


def test_a_crop_of_a_strip_is_made_of_its_middle_alone() -> None:
    """What is longer than eight times the other side is cut before a resize makes it huge."""
    crop = settings(do_resize=False, do_center_crop=True, crop_size=(10, 20))
    for image, long in ((numbered(10, 101), 1), (numbered(101, 10), 0)):
        fitted = fit_image(image, crop, "processor")
        assert fitted.pixels.shape[long] == 80 and fitted.pixels.shape[1 - long] == 10
        np.testing.assert_array_equal(fitted.pixels, np.take(image, range(10, 90), axis=long))
    wide, tall = (fit_image(numbered(*size), crop, "processor") for size in ((10, 101), (101, 10)))
    assert (wide.y.offset, wide.x.offset) == (0.0, -10 - 30)
    assert (tall.y.offset, tall.x.offset) == (-10 - 35, 5.0)


def test_an_image_of_eight_to_one_is_cropped_as_it_is() -> None:
    crop = settings(do_resize=False, do_center_crop=True, crop_size=(10, 20))
    image = numbered(10, 80)
    np.testing.assert_array_equal(fit_image(image, crop, "processor").pixels, image)
