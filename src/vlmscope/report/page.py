"""A report under construction: what is put in becomes the blocks of a view."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from vlmscope.io import write_text
from vlmscope.viewer import Picture, View, blocks
from vlmscope.viewer.blocks import Block, PictureItem

__all__ = ["Page", "Photo"]


@dataclass(frozen=True)
class Photo:
    """A picture that is encoded already.

    Attributes:
        data: a JPEG.
        size: (width, height) in pixels.
        title: what it is of.
        text: what is to know of it.
    """

    data: bytes = field(repr=False)
    size: tuple[int, int]
    title: str
    text: str


class Page:
    """A report under construction; texts are never read as markup.

    Args:
        title: of the page.
        lead: one sentence: what was found.
    """

    def __init__(self, title: str, lead: str) -> None:
        self._title, self._lead = title, lead
        self._blocks: list[Block] = []

    def add(self, block: Block) -> None:
        """Any block of a view."""
        self._blocks.append(block)

    def heading(self, text: str) -> None:
        """A new section."""
        self.add(blocks.heading(text, 2))

    def subheading(self, text: str) -> None:
        """A part of a section."""
        self.add(blocks.heading(text, 3))

    def text(self, text: str) -> None:
        """A paragraph."""
        self.add(blocks.text(text))

    def caveat(self, text: str) -> None:
        """A paragraph that must not be overlooked."""
        self.add(blocks.note(text))

    def code(self, text: str) -> None:
        """Commands or settings, as they are typed."""
        self.add(blocks.code(text))

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = ""
    ) -> None:
        """A table; floats with three digits, None as a dash, columns with words to the left.

        Args:
            columns: their titles.
            rows: of values.
            note: a line beneath that explains the columns.
        """
        self.add(blocks.table(columns, rows, note))

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names with what is said of each, long or short."""
        self.add(blocks.facts(pairs))

    def plot(self, plot: Block, caption: str = "") -> None:
        """A plot from :mod:`vlmscope.report.plots`."""
        self.add({**plot, "caption": caption})

    def pictures(self, images: Sequence[tuple[Image.Image, str]]) -> None:
        """Pictures beside one another, each with its caption."""
        items = [PictureItem(_png(image), image.size, text) for image, text in images]
        self.add(blocks.pictures(items))

    def gallery(self, photos: Sequence[Photo]) -> None:
        """Small pictures in as many columns as fit."""
        items = [
            PictureItem(Picture(photo.data), photo.size, photo.title, photo.text)
            for photo in photos
        ]
        self.add(blocks.pictures(items, "gallery"))

    def view(self) -> View:
        """What the viewer draws."""
        return View(self._title, self._lead, tuple(self._blocks))

    def html(self) -> str:
        """The whole page: no request, script and style of the viewer inside."""
        return self.view().html()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all; as packed bytes to a name that ends in ``.view``.

        Raises:
            OutputError: when the place cannot be written.
        """
        if Path(path).suffix.lower() == ".view":
            self.view().write(path)
        else:
            write_text(path, self.html())


def _png(image: Image.Image) -> Picture:
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "PNG", optimize=True)
    return Picture(stream.getvalue(), "image/png")
