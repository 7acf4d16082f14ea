"""weecology/DeepForest#392: a picture with alpha looks the same however it is handed over."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from families import llava
from vlmscope.errors import BadImageError

RGB = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
ALPHA = np.linspace(0, 255, 60 * 80).astype(np.uint8).reshape(60, 80)
RGBA = np.dstack([RGB, ALPHA])


def encoded(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RGBA).save(stream, kind, **options)
    return stream.getvalue()


def test_an_array_a_file_and_a_stream_are_composited_alike(tmp_path: Path) -> None:
    canvas = Image.new("RGBA", (80, 60), "white")
    canvas.alpha_composite(Image.fromarray(RGBA))
    want = np.asarray(canvas.convert("RGB"))
    png = encoded("PNG")
    (tmp_path / "a.png").write_bytes(png)
    webp = encoded("WEBP", lossless=True, exact=True)
    for source in (RGBA, png, io.BytesIO(png), tmp_path / "a.png", Image.fromarray(RGBA), webp):
        opened = vs.open_image(source)
        np.testing.assert_array_equal(opened.pixels, want)
        assert opened.notes == ("transparency composited on white",)


def test_every_method_takes_it() -> None:
    model = llava()
    one, two = (
        vs.ground(model, image, "a dog", heads=[(1, 2)])
        for image in (RGBA, vs.open_image(RGBA).pixels)
    )
    assert one.box == two.box


def test_alpha_that_stands_first_is_told_to_move() -> None:
    with pytest.raises(BadImageError, match=r"transpose\(1, 2, 0\)"):
        vs.open_image(RGBA.transpose(2, 0, 1))
