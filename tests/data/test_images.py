"""Every kind of picture a user may hand over, and every kind that must be refused clearly."""

from __future__ import annotations

import io
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from vlmscope.data.images import MAX_PIXELS, OpenedImage, image_size, open_image
from vlmscope.errors import BadImageError, VlmscopeError


def picture(height: int = 20, width: int = 30) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Uint8 (height, width, 3): top-left quarter red, the rest a blue ramp."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 2] = np.linspace(60, 200, width).astype(np.uint8)
    pixels[: height // 2, : width // 2] = (250, 10, 10)
    return pixels


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(picture()).save(path)
    return path


# what is taken


def test_path_bytes_pil_and_array_agree(png: Path) -> None:
    expected = picture()
    for source in (png, str(png), png.read_bytes(), Image.open(png), expected):
        opened = open_image(source)
        assert opened.pixels.dtype == np.uint8
        assert opened.notes == ()
        assert opened.size == (20, 30)
        np.testing.assert_array_equal(opened.pixels, expected)
    assert open_image(png).name == str(png)
    assert open_image(png, name="mine").name == "mine"


def test_an_opened_image_passes_through(png: Path) -> None:
    opened = open_image(png)
    assert open_image(opened) is opened


def test_the_callers_array_is_copied() -> None:
    mine = picture()
    opened = open_image(mine)
    mine[:] = 0
    assert opened.pixels.max() == 250


def test_the_callers_pil_image_is_unchanged() -> None:
    mine = Image.new("RGBA", (4, 3), (255, 0, 0, 0))
    open_image(mine)
    assert mine.mode == "RGBA"
    assert mine.getpixel((0, 0)) == (255, 0, 0, 0)


def test_one_pixel() -> None:
    opened = open_image(encoded(Image.new("RGB", (1, 1), (1, 2, 3))))
    assert opened.pixels.tolist() == [[[1, 2, 3]]]


def test_a_strip_of_twenty_thousand(tmp_path: Path) -> None:
    path = tmp_path / "strip.png"
    Image.new("RGB", (20000, 20), "green").save(path)
    assert open_image(path).size == (20, 20000)


def test_grey_array_becomes_rgb() -> None:
    opened = open_image(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert opened.pixels[1, 2].tolist() == [5, 5, 5]
    assert opened.notes == ("grey to RGB",)


def test_cmyk_jpeg_keeps_its_colours() -> None:
    opened = open_image(encoded(Image.new("RGB", (32, 32), (230, 20, 20)).convert("CMYK"), "JPEG"))
    assert opened.notes == ("CMYK converted",)
    red, green, blue = opened.pixels[16, 16]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    opened = open_image(encoded(Image.fromarray(ramp), kind))
    assert opened.notes == ("16-bit scaled to 8",)
    np.testing.assert_allclose(opened.pixels[0, :, 0], np.arange(256), atol=1)


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        ([0, 32768, 65535], [0, 128, 255], "16-bit scaled to 8"),
        ([0, 100, 255], [0, 100, 255], "grey to RGB"),
        ([-10, 0, 10], [0, 128, 255], "32-bit scaled from -10..10 to 8 bits"),
        ([0, 100000, 200000], [0, 128, 255], "32-bit scaled from 0..200000 to 8 bits"),
    ],
)
def test_integer_mode_is_scaled_by_its_range(
    values: list[int], expected: list[int], note: str
) -> None:
    image = Image.fromarray(np.array([values], dtype=np.int32))
    assert image.mode == "I"
    opened = open_image(image)
    assert opened.pixels[0, :, 0].tolist() == expected
    assert opened.notes == (note,)


def test_palette_transparency_is_composited_on_white() -> None:
    image = Image.new("P", (4, 2), 0)
    image.putpalette([200, 0, 0, 0, 200, 0])
    image.putpixel((3, 1), 1)
    opened = open_image(encoded(image, transparency=0))
    assert opened.notes == ("transparency composited on white",)
    assert opened.pixels[0, 0].tolist() == [255, 255, 255]
    assert opened.pixels[1, 3].tolist() == [0, 200, 0]


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBA", "RGBa"])
def test_every_alpha_mode_is_composited(mode: str) -> None:
    image = Image.new(mode, (3, 2))  # all zero: black and wholly transparent
    opened = open_image(image)
    assert opened.notes == ("transparency composited on white",)
    assert (opened.pixels == 255).all()


def test_half_transparent_red_is_pink_and_opaque_alpha_is_not_noted() -> None:
    half = open_image(Image.new("RGBA", (2, 2), (255, 0, 0, 128)))
    assert half.pixels[0, 0].tolist() == [255, 127, 127]
    whole = open_image(Image.new("RGBA", (2, 2), (255, 0, 0, 255)))
    assert whole.notes == ()
    assert whole.pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation: int) -> None:
    upright = Image.fromarray(picture(24, 40))
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    opened = open_image(encoded(stored, exif=exif))
    np.testing.assert_array_equal(opened.pixels, np.asarray(upright))
    expected = () if orientation == 1 else (f"EXIF orientation {orientation} applied",)
    assert opened.notes == expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(10))
def test_the_size_in_the_header_is_that_of_the_opened_picture(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(Image.fromarray(picture()), kind, exif=exif)
    expected = (30, 20) if orientation in range(5, 9) else (20, 30)
    assert image_size(data, "it") == open_image(data).size == expected


def test_a_size_needs_no_pixel_and_a_broken_header_is_told(png: Path) -> None:
    assert image_size(png, "it") == (20, 30)
    assert image_size(png.read_bytes()[:60], "it") == (20, 30)
    for data in (b"", b"no picture"):
        with pytest.raises(BadImageError, match="it is"):
            image_size(data, "it")
    with pytest.raises(BadImageError, match="no image file"):
        image_size(png.with_name("other.png"), "it")


def test_nonsense_orientation_is_left_alone() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 77
    opened = open_image(encoded(Image.fromarray(picture()), exif=exif))
    np.testing.assert_array_equal(opened.pixels, picture())
    assert opened.notes == ()


def test_animated_gif_gives_its_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "green", "blue")]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    opened = open_image(path)
    assert opened.notes == ("first of 3 frames",)
    assert opened.pixels[0, 0].tolist() == [255, 0, 0]


def test_a_pil_image_keeps_the_frame_it_stands_at(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "green", "blue")]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with Image.open(path) as image:
        image.seek(2)
        opened = open_image(image)
    assert opened.notes == ("frame 3 of 3",)
    assert opened.pixels[0, 0].tolist() == [0, 0, 255]


# what is refused


def refused(source: Any, *words: str, **options: Any) -> str:
    """The message of the refusal; it must hold every word and name the remedy."""
    with pytest.raises(BadImageError) as caught:
        open_image(source, **options)
    assert isinstance(caught.value, VlmscopeError)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message
    return message


def test_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "none.png", "There is no image file", "none.png", "Check the path")


def test_empty_path_and_null_byte() -> None:
    refused("", "There is no image file ''")
    refused("a\0b.png", "a\\x00b.png")


def test_address() -> None:
    refused("https://example.org/a.png", "is an address", "Download")


def test_folder(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder", str(tmp_path))


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    refused(path, "empty (0 bytes)", "empty.png")
    refused(b"", "empty (0 bytes)")


def test_not_an_image(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("Dear diary, today")
    refused(path, "not an image", "Dear diary,", "PNG or JPEG")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(whole[: max(1, int(len(whole) * share))])
    message = refused(path, "cut.")
    assert any(word in message for word in ("truncated", "breaks off", "broken"))


def test_decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (14000, 14000)).save(path)
    assert path.stat().st_size < 100_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = refused(path, "too large", "196,000,000", f"{MAX_PIXELS:,}")
    assert "max_pixels=196000000" in message
    assert "--max-pixels 196000000" in message


def test_the_limit_can_be_moved_either_way(png: Path) -> None:
    refused(png, "limit is 599", max_pixels=599)
    assert open_image(png, max_pixels=600).size == (20, 30)
    refused(picture(), "limit is 599", max_pixels=599)
    refused(Image.fromarray(picture()), "limit is 599", max_pixels=599)


def test_pillows_own_limit_neither_stops_us_nor_changes(
    png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_image(png).size == (20, 30)
    assert Image.MAX_IMAGE_PIXELS == 100
    refused(b"nonsense", "not an image")
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None])
def test_nonsense_limit(limit: Any) -> None:
    refused(picture(), "max_pixels must be a whole number", repr(limit), max_pixels=limit)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 3), np.float32), ("float32", "(4, 4, 3)", "* 255")),
        (np.zeros((4, 4, 3), np.int64), ("int64",)),
        (np.zeros((4, 4, 3), bool), ("bool",)),
        (np.zeros((3, 20, 30), np.uint8), ("(3, 20, 30)", "transpose(1, 2, 0)")),
        (np.zeros((4, 4, 5), np.uint8), ("(4, 4, 5)",)),
        (np.zeros((1, 4, 4, 3), np.uint8), ("(1, 4, 4, 3)",)),
        (np.zeros(7, np.uint8), ("(7,)",)),
        (np.zeros((0, 5, 3), np.uint8), ("no pixels", "height 0")),
    ],
)
def test_arrays_of_another_kind(array: Any, words: tuple[str, ...]) -> None:
    refused(array, *words)


def test_float_image_file_is_refused() -> None:
    refused(encoded(Image.new("F", (4, 4), 0.5), "TIFF"), "floating-point", "8 bits")


def test_drawings_are_not_handed_to_another_program() -> None:
    refused(encoded(Image.new("RGB", (4, 4)), "EPS"), "drawing (EPS)", "PNG")


@pytest.mark.parametrize("source", [None, 7, ["a.png"], object()])
def test_other_things(source: Any) -> None:
    refused(source, "An image must be a path", type(source).__name__)


def test_a_tensor_is_told_how_to_become_an_array() -> None:
    torch = pytest.importorskip("torch")
    refused(torch.zeros(3, 4, 4), "torch.Tensor", "numpy()")


def test_notes_add_up_in_order() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    opened = open_image(encoded(Image.new("RGBA", (4, 2), (0, 0, 0, 0)), exif=exif))
    assert isinstance(opened, OpenedImage)
    assert opened.notes == ("EXIF orientation 6 applied", "transparency composited on white")


def test_an_array_with_alpha_is_composited_on_white() -> None:
    pixels = np.dstack([picture(), np.full((20, 30), 128, np.uint8)])
    pixels[0, 0, 3] = 0
    opened = open_image(pixels)
    assert opened.notes == ("transparency composited on white",)
    assert opened.pixels[0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(
        opened.pixels, open_image(encoded(Image.fromarray(pixels))).pixels
    )
    opaque = open_image(np.dstack([picture(), np.full((20, 30), 255, np.uint8)])[::-1])
    assert opaque.notes == ()
    np.testing.assert_array_equal(opaque.pixels, picture()[::-1])


def test_an_open_file_is_read_and_left_open(png: Path) -> None:
    with png.open("rb") as stream:
        opened = open_image(stream)
        assert not stream.closed
        assert opened.name == str(png)
        refused(stream, "empty (0 bytes)")  # it stands at its end
    np.testing.assert_array_equal(opened.pixels, picture())
    refused(stream, "Cannot read the image", "closed")
    assert open_image(io.BytesIO(png.read_bytes())).name == "file"
    refused(io.StringIO("x"), "gives str, not bytes", "'rb'")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes by name here")
def test_a_pipe_by_name_is_read(tmp_path: Path, png: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for data, want in ((png.read_bytes(), None), (b"", "empty (0 bytes)"), (b"no", "Pillow")):
        writer = threading.Thread(target=pipe.write_bytes, args=(data,))
        writer.start()
        if want is None:
            np.testing.assert_array_equal(open_image(pipe).pixels, picture())
        else:
            refused(pipe, want)
        writer.join()


def test_what_never_ends_is_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmscope.data.images._MOST_BYTES", 5)
    refused(io.BytesIO(b"123456"), "more than 5 bytes")
