"""From numbers to classes: what is known, ignored, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmscope.data.datasets.base import IGNORE
from vlmscope.data.datasets.label_maps.table import LabelTable
from vlmscope.errors import BadSampleError


def write(path: Path, numbers: list[list[int]], kind: type = np.uint8) -> Path:
    Image.fromarray(np.array(numbers, dtype=kind)).save(path)
    return path


def test_numbers_become_indices(tmp_path: Path) -> None:
    table = LabelTable("form", {0: IGNORE, 255: IGNORE, 7: 0, 9: 1})
    labels = table.read(write(tmp_path / "m.png", [[0, 7, 9], [255, 9, 7]]), (2, 3))
    assert labels.tolist() == [[-1, 0, 1], [-1, 1, 0]] and labels.dtype == np.int32


def test_the_plain_one_counts_from_its_first_number(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", [[0, 1, 3, 255]])
    assert LabelTable.plain("form", 3, 1).read(path, (1, 4)).tolist() == [[-1, 0, 2, -1]]
    assert LabelTable.plain("form", 4).read(path, (1, 4)).tolist() == [[0, 1, 3, -1]]


def test_numbers_beyond_the_classes_are_counted_and_named(tmp_path: Path) -> None:
    table = LabelTable.plain("19 train ids", 19, advice="Take those of the 19")
    path = write(tmp_path / "m.png", [[18, 19, 33, 19]])
    with pytest.raises(BadSampleError) as caught:
        table.read(path, (1, 4))
    message = str(caught.value)
    assert "m.png holds 19, 33 in 3 pixels" in message
    assert "(19 train ids) classes are 0 to 18. Take those of the 19." in message


def test_sixteen_bit_numbers_beyond_are_not_wrapped(tmp_path: Path) -> None:
    """256 + 3 is no 3, and 65535 is no 255."""
    table = LabelTable.plain("form", 10)
    for number in (259, 65_535):
        path = write(tmp_path / "m.png", [[3, number]], np.uint16)
        with pytest.raises(BadSampleError, match=f"holds {number} in 1 pixels"):
            table.read(path, (1, 2))
    path = write(tmp_path / "m.png", [[3, 255]], np.uint16)
    assert table.read(path, (1, 2)).tolist() == [[3, IGNORE]]


def test_many_strange_numbers_are_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", [[50, 60, 70, 80, 90, 100, 110]])
    with pytest.raises(BadSampleError, match="holds 50, 60, 70, 80, 90 and 2 more in 7 pixels"):
        LabelTable.plain("form", 3).read(path, (1, 7))
