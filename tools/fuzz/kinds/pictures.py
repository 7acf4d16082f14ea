"""Sound pictures from which others are made: a rendered scene, in the formats and modes of Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["encoded", "grey", "png_of_size", "scene"]

MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "I;16", "I", "F", "CMYK", "YCbCr", "LAB")
FORMATS: Mapping[str, tuple[str, ...]] = {
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "JPEG": ("RGB", "L", "CMYK", "YCbCr"),
    "GIF": ("RGB", "L", "P", "1"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": MODES,
    "BMP": ("RGB", "L", "P", "1", "RGBA"),
    "PPM": ("RGB", "L", "1", "I;16"),
    "ICO": ("RGBA", "RGB"),
    "TGA": ("RGB", "RGBA", "L"),
    "JPEG2000": ("RGB", "RGBA", "L"),
}
"""Format -> modes in which it is written."""


@cache
def scene(height: int = 128, width: int = 128) -> bytes:
    """A scene of the embedded models' world as PNG."""
    return _bytes(Image.fromarray(_pixels(height, width)), "PNG")


@cache
def grey(height: int = 128, width: int = 128, value: int = 255) -> bytes:
    """A picture of one grey value as PNG, such as a mask."""
    return _bytes(Image.new("L", (width, height), value), "PNG")


@cache
def encoded(kind: str, mode: str, height: int, width: int, orientation: int, frames: int) -> bytes:
    """A scene in a format of :data:`FORMATS`, in one of its modes.

    Args:
        kind: the format.
        mode: of Pillow.
        height, width: in pixels.
        orientation: of EXIF; 0: none is written. Formats without EXIF leave it out.
        frames: more than one where the format has animations.
    """
    first = _in_mode(Image.fromarray(_pixels(height, width)), mode)
    options: dict[str, Any] = {}
    if orientation and kind in ("JPEG", "PNG", "WEBP"):
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif.tobytes()
    if frames > 1 and kind in ("GIF", "PNG", "WEBP", "TIFF") and mode in ("RGB", "RGBA", "L"):
        rest = [first.rotate(90 * turn) for turn in range(1, frames)]
        options |= {"save_all": True, "append_images": rest}
    if kind == "ICO":
        options["sizes"] = [(min(width, 256), min(height, 256))]
    if kind == "TIFF" and mode in ("RGB", "L"):
        options["compression"] = ("raw", "tiff_lzw", "tiff_deflate")[(height + width) % 3]
    return _bytes(first, kind, **options)


def png_of_size(height: int, width: int) -> bytes:
    """A PNG whose header speaks of a size that its data does not have."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@cache
def _pixels(height: int, width: int) -> np.ndarray[Any, Any]:
    from vlmscope.tiny import render_scene

    scene = Image.fromarray(render_scene(1).image)
    return np.asarray(scene.resize((width, height)))


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    if mode == "LAB":
        return Image.merge("LAB", image.split())
    if mode in ("LA", "RGBA"):
        image = image.convert("RGBA")
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.convert(mode)


def _bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
