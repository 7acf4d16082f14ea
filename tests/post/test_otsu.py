"""Otsu's threshold, worked out by hand: 256 bins from the smallest value to the largest."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.post.region import otsu


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        # any limit between two values separates them equally well: the end of the first bin
        ((0.0, 1.0), 1 / 256),
        ((2.0, 6.0), 2 + 4 / 256),
        ((-6.0, -2.0), -6 + 4 / 256),
        ((0.0, 0.0, 0.0, 1.0), 1 / 256),
        # 0 and 0.3 below, in bins 0 and 76: the limit is the end of bin 76
        ((0.0, 0.3, 0.3, 1.0, 1.0), 77 / 256),
        # bins 0, 127, 128 and 255: the first alone is as far from the rest as the last is, 170 bins
        # from a mean of three, and 3 * 170**2 is more than the 4 * 128**2 of two and two
        ((0.0, 0.498, 0.502, 1.0), 1 / 256),
        # two bins that touch: only one limit lies between them
        ((0.0, 0.002, 0.002, 1.0), 1 / 256),
    ],
)
def test_the_limit_is_the_upper_end_of_the_lower_sides_last_bin(
    values: tuple[float, ...], limit: float
) -> None:
    assert otsu(np.array(values)) == limit
    assert otsu(np.array(values).reshape(1, -1)[:, ::-1]) == limit
