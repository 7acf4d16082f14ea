"""Pictures that were sent: in memory only, the least recently used leave first."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from vlmscope.app.refusal import Refusal
from vlmscope.app.settings import Limits
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.results.geometry_blocks import encoded
from vlmscope.viewer import Picture

__all__ = ["PictureStore", "StoredPicture"]

_DIGITS = 32  # of an id: hexadecimal


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """A picture that can be asked about.

    Attributes:
        id: of its pixels: the same picture has the same id whenever it is sent.
        opened: the picture.
        shown: as a page shows it, encoded once.
    """

    id: str
    opened: OpenedImage = field(repr=False)
    shown: Picture = field(repr=False)

    @property
    def weight(self) -> int:
        """Bytes that it takes in memory."""
        return int(self.opened.pixels.nbytes) + len(self.shown.data)


class PictureStore:
    """The pictures of one server. Its methods may be called in any thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: OrderedDict[str, StoredPicture] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, data: bytes) -> StoredPicture:
        """Open an encoded picture and keep it.

        Raises:
            BadImageError: it is none, broken, or has too many pixels.
        """
        opened = open_image(data, max_pixels=self._limits.pixels, name="The picture")
        picture = StoredPicture(_identity(opened), opened, encoded(opened.pixels))
        with self._lock:
            self._kept[picture.id] = picture
            self._kept.move_to_end(picture.id)
            self._make_room()
        return picture

    def get(self, name: str) -> StoredPicture:
        """A picture by its id.

        Raises:
            Refusal: it was never sent, or had to leave.
        """
        with self._lock:
            picture = self._kept.get(name)
            if picture is None:
                raise Refusal(
                    404,
                    "unknown-image",
                    "This picture is not in memory (any more). Send it again: POST /api/images",
                )
            self._kept.move_to_end(name)
            return picture

    def _make_room(self) -> None:
        """The newest always stays."""
        while len(self._kept) > 1 and (
            len(self._kept) > self._limits.pictures
            or sum(each.weight for each in self._kept.values()) > self._limits.picture_bytes
        ):
            self._kept.popitem(last=False)


def _identity(opened: OpenedImage) -> str:
    digest = hashlib.sha256(repr(opened.pixels.shape).encode())
    digest.update(opened.pixels.data)
    return digest.hexdigest()[:_DIGITS]
