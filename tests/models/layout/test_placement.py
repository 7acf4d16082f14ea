"""Where a centre crop puts an image, read off what the processor of transformers makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import CLIPImageProcessorPil

from vlmscope.models.layout.placement import fit_image


def cropper(height: int, width: int) -> CLIPImageProcessorPil:
    """Cuts or fills up to (height, width) and changes nothing else."""
    return CLIPImageProcessorPil(
        do_resize=False,
        do_center_crop=True,
        crop_size={"height": height, "width": width},
        do_rescale=False,
        do_normalize=False,
    )


def place_in_crop(length: int, pixel: int) -> int:
    """Where one pixel of a row of ``length`` lies among the kept ones, by :func:`fit_image`."""
    image = np.zeros((4, length, 3), dtype=np.uint8)
    fitted = fit_image(image, cropper(4, 9), "processor")
    assert fitted.size == (4, 9)
    return round(pixel * fitted.x.scale + fitted.x.offset)


@pytest.mark.parametrize("length", [4, 5, 6, 7, 8, 9, 10, 11, 12, 14])
def test_an_odd_remainder_goes_where_the_processor_puts_it(length: int) -> None:
    """Wider than the crop, equal, and narrower: cut off or filled up by odd and even numbers."""
    for height in (3, 4, 5):
        image = np.zeros((height, length, 3), dtype=np.uint8)
        row, column = height // 2, length // 2
        image[row, column] = 200
        images = cropper(4, 9)
        made = np.asarray(images(images=[image], input_data_format="channels_last").pixel_values[0])
        fitted = fit_image(image, images, "processor")
        assert made.shape[1:] == fitted.size == (4, 9)
        (y,), (x,) = (axis.tolist() for axis in np.nonzero(made[0]))
        assert (fitted.y.scale, fitted.x.scale) == (1.0, 1.0)
        assert (y, x) == (row + fitted.y.offset, column + fitted.x.offset)


def test_an_image_smaller_than_the_crop_has_the_odd_pixel_in_front() -> None:
    assert place_in_crop(length=8, pixel=0) == 1  # one pixel to fill: in front
    assert place_in_crop(length=6, pixel=0) == 2  # three: two in front, one behind
    assert place_in_crop(length=7, pixel=0) == 1  # two: one on either side


def test_an_image_larger_than_the_crop_loses_the_odd_pixel_behind() -> None:
    assert place_in_crop(length=10, pixel=0) == 0  # one pixel to cut: behind
    assert place_in_crop(length=12, pixel=1) == 0  # three: one in front, two behind
