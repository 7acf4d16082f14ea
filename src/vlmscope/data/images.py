"""One door for every image: upright, RGB, 8 bits, with a note of whatever was done to it."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from vlmscope.errors import BadImageError

__all__ = ["MAX_PIXELS", "SUFFIXES", "ImageSource", "OpenedImage", "image_size", "open_image"]

MAX_PIXELS = 178_956_970
"""Default limit of :func:`open_image`: the size at which Pillow itself refuses (13,377 squared)."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""Endings by which images are found in a folder."""

ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[np.uint8]
"""What :func:`open_image` takes."""

# Pillow hands these to other programs (Ghostscript) to draw them
_DRAWINGS = {"EPS", "WMF"}
_SIXTEEN_BITS = {"I;16", "I;16L", "I;16B", "I;16N"}
_MOST_BYTES = 1 << 30  # of what can only be read, such as a pipe, which might never end
_PILLOW_LIMIT = threading.Lock()


@dataclass(frozen=True, eq=False)
class OpenedImage:
    """An image that is ready for a model.

    Attributes:
        pixels: uint8 (height, width, 3), RGB, upright, owned by nobody else.
        notes: what was done to get there, for example ``"EXIF orientation 6 applied"``.
        name: the path as given, or a word for images that have none.
        orientation: how its file was turned to be upright, by EXIF's number; 1: not at all.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    notes: tuple[str, ...]
    name: str
    orientation: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


def open_image(
    source: ImageSource | OpenedImage, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> OpenedImage:
    """Open anything that holds one picture.

    EXIF rotation is applied, of an animation the first frame is taken (of a PIL image: the frame
    it stands at), transparency is composited on white, 16 bits are scaled to 8.

    Args:
        source: path, of a pipe as well; encoded bytes, or an open binary file, which is read to
            its end and not closed; PIL image; uint8 array (height, width, 3), with a fourth channel
            of alpha, or (height, width). An :class:`OpenedImage` passes through.
        max_pixels: larger images are refused before they are decoded.
        name: what to call the image in messages; by default its path.

    Raises:
        BadImageError: missing, a folder, empty, no image, truncated, too large, or an array of
            another type or shape; the message says which and what to do.
    """
    if isinstance(source, OpenedImage):
        return source
    if isinstance(max_pixels, bool) or not isinstance(max_pixels, int) or max_pixels < 1:
        raise BadImageError(f"max_pixels must be a whole number of at least 1, got {max_pixels!r}.")
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels, name or "array")
    if isinstance(source, Image.Image):
        title = name or str(getattr(source, "filename", "") or "image")
        return _from_pillow(source, max_pixels, title)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), max_pixels, name or "bytes")
    if isinstance(source, str | os.PathLike):
        return _from_path(source, max_pixels, name)
    if callable(getattr(source, "read", None)):
        return _from_file(source, max_pixels, name)
    kind = f"{type(source).__module__}.{type(source).__name__}"
    raise BadImageError(
        "An image must be a path, bytes, an open file, a PIL image or a uint8 array of shape "
        f"(height, width, 3), got {kind}.{_advice(source)}"
    )


def image_size(source: Path | bytes, name: str) -> tuple[int, int]:
    """(height, width) of a picture as :func:`open_image` turns it, from its header alone.

    Args:
        source: path, or encoded bytes.
        name: what to call it in messages.

    Raises:
        BadImageError: as :func:`open_image`.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with _without_pillow_limit(), Image.open(stream) as image:
            width, height = image.size
            # a PNG that does not begin with its EXIF would be decoded to look for it
            looked = image.format != "PNG" or "exif" in image.info
            turned = looked and image.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9)
    except Exception:  # whatever a broken header raises, opening the picture words it
        return open_image(source, name=name).size
    return (width, height) if turned else (height, width)


def _advice(source: Any) -> str:
    if type(source).__module__ == "torch":
        return " Turn a tensor into an array first: tensor.permute(1, 2, 0).byte().numpy()."
    return ""


def _from_path(source: str | os.PathLike[str], max_pixels: int, name: str | None) -> OpenedImage:
    text = os.fspath(source)
    title = name or text
    if text.startswith(("http://", "https://")):
        raise BadImageError(f"{text} is an address. Download the image and give its path.")
    path = Path(text)
    try:
        if not text or not path.exists():
            raise BadImageError(f"There is no image file {text!r}. Check the path.")
        if path.is_dir():
            raise BadImageError(f"{title} is a folder, not an image. Name one image file in it.")
        with path.open("rb") as stream:
            if not stream.seekable():  # a pipe has no size and is read once
                return _from_file(stream, max_pixels, title)
            if path.is_file() and path.stat().st_size == 0:
                raise BadImageError(f"The image {title} is empty (0 bytes). Get the file again.")
            return _from_stream(stream, max_pixels, title)
    except (OSError, ValueError) as error:
        if isinstance(error, BadImageError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise BadImageError(f"Cannot open the image {title!r}: {reason}.") from error


def _from_bytes(data: bytes, max_pixels: int, name: str) -> OpenedImage:
    if not data:
        raise BadImageError(f"The image {name} is empty (0 bytes). Get the file again.")
    return _from_stream(io.BytesIO(data), max_pixels, name)


def _from_file(source: Any, max_pixels: int, name: str | None) -> OpenedImage:
    written = getattr(source, "name", None)
    title = name or (written if isinstance(written, str) else "file")
    try:
        data = source.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a file that is closed is a ValueError
        raise BadImageError(f"Cannot read the image {title!r}: {error}.") from error
    if not isinstance(data, bytes | bytearray):
        raise BadImageError(
            f"The file {title!r} gives {type(data).__name__}, not bytes. Open it with mode 'rb'."
        )
    if len(data) > _MOST_BYTES:
        raise BadImageError(
            f"The file {title!r} gives more than {_MOST_BYTES:,} bytes, too many for an image."
        )
    return _from_bytes(bytes(data), max_pixels, title)


def _from_stream(stream: Any, max_pixels: int, name: str) -> OpenedImage:
    try:
        with _without_pillow_limit():
            image = Image.open(stream)  # reads the header only
    except UnidentifiedImageError as error:
        stream.seek(0)
        raise BadImageError(
            f"{name} is not an image that Pillow can read, or it breaks off in its header; it "
            f"begins with {stream.read(12)!r}. Convert it to PNG or JPEG, or get it again."
        ) from error
    except Exception as error:  # a broken header raises whatever its decoder stumbles over
        raise BadImageError(f"The header of the image {name} is broken: {error}.") from error
    with image:
        return _from_pillow(image, max_pixels, name)


@contextlib.contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Let a header through whatever its size, so that our own limit and message apply."""
    with _PILLOW_LIMIT:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check_size(height: int, width: int, max_pixels: int, name: str) -> None:
    if height < 1 or width < 1:
        raise BadImageError(f"The image {name} has no pixels: height {height}, width {width}.")
    if height * width > max_pixels:
        raise BadImageError(
            f"The image {name} is too large: {height:,} x {width:,} (height x width) is "
            f"{height * width:,} pixels and the limit is {max_pixels:,}. Make it smaller, or, "
            f"if you trust it, raise the limit: max_pixels={height * width} "
            f"(--max-pixels {height * width} on the command line)."
        )


def _from_array(array: NDArray[Any], max_pixels: int, name: str) -> OpenedImage:
    shape = tuple(array.shape)
    channels_first = len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4)
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and shape[2] in (3, 4))):
        advice = ""
        if channels_first:
            advice = " Move the channels last: array.transpose(1, 2, 0)."
        elif array.dtype.kind == "f":
            advice = " Scale it to 0..255 and round it: (array * 255).round().astype('uint8')."
        raise BadImageError(
            "An image array must be uint8 of shape (height, width, 3) in RGB or (height, width), "
            f"got {array.dtype} of shape {shape}.{advice}"
        )
    _check_size(shape[0], shape[1], max_pixels, name)
    if not grey and shape[2] == 4:
        return OpenedImage(*_on_white(Image.fromarray(np.ascontiguousarray(array))), name)
    pixels = np.repeat(array[:, :, None], 3, axis=2) if grey else array.copy()
    return OpenedImage(np.ascontiguousarray(pixels), ("grey to RGB",) if grey else (), name)


def _from_pillow(image: Image.Image, max_pixels: int, name: str) -> OpenedImage:
    if image.format in _DRAWINGS:
        raise BadImageError(f"{name} is a drawing ({image.format}). Convert it to PNG first.")
    _check_size(image.height, image.width, max_pixels, name)
    notes = _frame_notes(image)
    try:
        image.load()
        upright, turned, orientation = _upright(image)
        pixels, converted = _to_rgb(upright, name)
    except BadImageError:
        raise
    except MemoryError as error:
        raise BadImageError(
            f"The image {name} does not fit in memory ({image.height:,} x {image.width:,})."
        ) from error
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        raise BadImageError(
            f"The image {name} is truncated or damaged: {error}. Get the file again."
        ) from error
    return OpenedImage(pixels, (*notes, *turned, *converted), name, orientation)


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    try:
        frames = int(getattr(image, "n_frames", 1))
        at = image.tell()
    except Exception:  # counting reads to the end of the file; the first frame may be whole
        return ("first frame of an animation that breaks off",)
    if frames < 2:
        return ()
    return (f"first of {frames} frames" if at == 0 else f"frame {at + 1} of {frames}",)


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...], int]:
    """The picture turned, a note of it, and EXIF's number of how."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # EXIF blocks are often damaged where the picture is not
        return image, ("EXIF unreadable, taken as upright",), 1
    if orientation not in range(2, 9):
        return image, (), 1
    return ImageOps.exif_transpose(image), (f"EXIF orientation {orientation} applied",), orientation


def _to_rgb(image: Image.Image, name: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The picture as uint8 (height, width, 3), and what that took."""
    mode = image.mode
    if mode in _SIXTEEN_BITS:
        return _scale(np.asarray(image).astype(np.float64), 65535), ("16-bit scaled to 8",)
    if mode == "I":
        return _from_integers(np.asarray(image))
    if mode == "F":
        raise BadImageError(
            f"The image {name} holds floating-point values, whose range is not known. "
            "Scale it to 0..255 and save it with 8 bits."
        )
    if image.has_transparency_data:
        straight = image.convert("LA") if mode == "La" else image  # La converts to nothing else
        return _on_white(straight.convert("RGBA"))
    try:
        pixels = np.array(image.convert("RGB"), dtype=np.uint8)
    except ValueError as error:
        raise BadImageError(
            f"The image {name} has the colour mode {mode}. Save it as RGB."
        ) from error
    names = {"L": "grey to RGB", "1": "black and white to RGB", "P": "", "RGB": "", "YCbCr": ""}
    note = names.get(mode, f"{mode} converted")
    return pixels, (note,) if note else ()


def _scale(values: NDArray[np.float64], top: float) -> NDArray[np.uint8]:
    grey = np.rint(np.clip(values / top, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _from_integers(values: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Mode I holds 8, 16 or 32 bits; which of them can only be told from the values."""
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 255:
        return _scale(values.astype(np.float64), 255), ("grey to RGB",)
    if low >= 0 and high <= 65535:
        return _scale(values.astype(np.float64), 65535), ("16-bit scaled to 8",)
    shifted = values.astype(np.float64) - low
    return _scale(shifted, high - low), (f"32-bit scaled from {low}..{high} to 8 bits",)


def _on_white(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    opaque = image.getchannel("A").getextrema() == (255, 255)
    canvas = Image.new("RGBA", image.size, "white")
    canvas.alpha_composite(image)
    pixels = np.array(canvas.convert("RGB"), dtype=np.uint8)
    return pixels, () if opaque else ("transparency composited on white",)
