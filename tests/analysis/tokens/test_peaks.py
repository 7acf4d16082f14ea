"""What counts as near an object."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.analysis.tokens.peaks import TOLERANCE, around


def test_near_is_a_share_of_the_longer_side() -> None:
    mask = np.zeros((112, 448), dtype=bool)
    mask[50, 100] = True
    rows, columns = np.nonzero(around(mask))
    assert np.hypot(rows - 50, columns - 100).max() == 40  # the paper's pixels of an image of 448
    assert around(mask)[50, 140] and not around(mask)[50, 141]
    assert np.array_equal(around(mask, 0.0), mask)
    assert pytest.approx(40 / 448) == TOLERANCE
