"""What a format of labels is: one file or a folder, written image by image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vlmscope.export.formats.keys import FileKeys
from vlmscope.export.formats.labelled import LabelledImage

__all__ = ["Add", "ExportJob", "LabelFormat"]

Add = Callable[[LabelledImage], None]
"""Takes the next image."""


@dataclass(frozen=True)
class ExportJob:
    """What a writer knows before the first image comes.

    Attributes:
        names: every phrase; its place is its class.
        keys: names of files by image.
        masks: whether objects have masks.
        prefix: of the addresses of pictures, where a format has addresses.
        read: the encoded picture of an id, for formats that hold pictures.
    """

    names: tuple[str, ...]
    keys: FileKeys
    masks: bool = False
    prefix: str = ""
    read: Callable[[str], bytes] | None = None

    def numbers(self) -> dict[str, int]:
        """The place of every phrase."""
        return {name: index for index, name in enumerate(self.names)}


@dataclass(frozen=True)
class LabelFormat:
    """A format.

    Attributes:
        id: its name.
        summary: what is written, and how boxes are.
        writer: opens a place for images: a file, or a folder that is there and empty.
        folder: whether several files are written.
        pictures: whether it holds the pictures themselves.
    """

    id: str
    summary: str
    writer: Callable[[Path, ExportJob], AbstractContextManager[Add]]
    folder: bool = False
    pictures: bool = False
