"""Label maps in every form of PNG that people have, and those that hold no class numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmscope.data.datasets.label_maps.png import read_label_numbers
from vlmscope.errors import BadSampleError

NUMBERS = np.array([[0, 1, 2, 3], [3, 2, 255, 0], [20, 7, 7, 1]], dtype=np.uint8)


def saved(path: Path, picture: Image.Image, **options: int) -> Path:
    picture.save(path, **options)
    return path


def palette_picture(numbers: np.ndarray) -> Image.Image:
    picture = Image.fromarray(numbers).convert("P")
    picture.putpalette(list(range(255, -1, -1)) * 3)
    return picture


def test_a_palette_and_grey_give_the_same_numbers(tmp_path: Path) -> None:
    for picture in (Image.fromarray(NUMBERS), palette_picture(NUMBERS)):
        found = read_label_numbers(saved(tmp_path / "map.png", picture), (3, 4))
        assert found.dtype == np.int32 and np.array_equal(found, NUMBERS)


def test_sixteen_bits_are_numbers_not_shades(tmp_path: Path) -> None:
    numbers = NUMBERS.astype(np.uint16) + 300
    found = read_label_numbers(saved(tmp_path / "map.png", Image.fromarray(numbers)), (3, 4))
    assert np.array_equal(found, numbers)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_not_stretched(tmp_path: Path, bits: int) -> None:
    numbers = NUMBERS % (1 << bits)
    picture = palette_picture(numbers)
    found = read_label_numbers(saved(tmp_path / "p.png", picture, bits=bits), (3, 4))
    assert np.array_equal(found, numbers)
    grey(tmp_path / "g.png", numbers, bits)
    assert np.array_equal(read_label_numbers(tmp_path / "g.png", (3, 4)), numbers)


def grey(path: Path, numbers: np.ndarray, bits: int) -> None:
    """A grey PNG of few bits, which Pillow does not write: by hand."""
    import struct
    import zlib

    height, width = numbers.shape
    rows = b""
    for line in numbers:
        digits = "".join(f"{int(value):0{bits}b}" for value in line)
        digits += "0" * (-len(digits) % 8)
        rows += b"\0" + int(digits, 2).to_bytes(len(digits) // 8, "big")
    parts = b"\x89PNG\r\n\x1a\n"
    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        parts += struct.pack(">I", len(data)) + kind + data
        parts += struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(parts)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_colours_are_no_numbers(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / "map.png", Image.fromarray(NUMBERS).convert(mode))
    with pytest.raises(BadSampleError, match=rf"map.png has colours \(mode {mode}\).*palette"):
        read_label_numbers(path, (3, 4))


def test_another_size_is_said_with_both(tmp_path: Path) -> None:
    path = saved(tmp_path / "map.png", Image.fromarray(NUMBERS))
    with pytest.raises(BadSampleError, match=r"is 3x4 \(height x width\), its image is 4x3"):
        read_label_numbers(path, (4, 3))


def test_missing_and_damaged(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="There is no label map"):
        read_label_numbers(tmp_path / "none.png", (3, 4))
    whole = saved(tmp_path / "map.png", Image.fromarray(NUMBERS)).read_bytes()
    for data in (b"", b"no picture", whole[:40]):
        (tmp_path / "bad.png").write_bytes(data)
        with pytest.raises(BadSampleError, match=r"bad.png is damaged: .* Get it again"):
            read_label_numbers(tmp_path / "bad.png", (3, 4))
