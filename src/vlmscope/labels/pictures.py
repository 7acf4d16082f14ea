"""The pictures of labels, by their ids: from the source that was labelled, or wherever they are now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from vlmscope.errors import BadImageError, OutputError
from vlmscope.io import is_file, shown_path
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.sources import Columns, Item, Source, open_source
from vlmscope.labels.sources.files import FolderImages, ListedImages, MatchedImages

__all__ = ["SourcePictures", "picture_bytes"]


class SourcePictures:
    """The path, or the encoded picture, of an id.

    In folders an id is a path. Of tables and archives all ids are listed once and kept, some hundred
    bytes each, unless it is known which are wanted.

    Args:
        source: of the images.
        wanted: ids that are asked for; None: any.
    """

    def __init__(self, source: Source, wanted: Collection[str] | None = None) -> None:
        self._source = source
        self._wanted = wanted
        self._items: dict[str, Item] | None = None

    @classmethod
    def of(
        cls, labels: LabelFolder, source: Any = None, wanted: Collection[str] | None = None
    ) -> SourcePictures:
        """The pictures that a folder was made of.

        Args:
            labels: the folder.
            source: where they are now, as for :func:`vlmscope.label`; None: where they were.
            wanted: as for the class.

        Raises:
            OutputError: the folder does not say where its images are.
            BadImageError, BadSampleError: nothing is there any more, or it cannot be read.
        """
        kept = labels.job.get("kept")
        identity = kept.get("source") if isinstance(kept, dict) else None
        if not isinstance(identity, dict) or not isinstance(identity.get("place"), str):
            if source is None:
                raise OutputError(
                    f"{shown_path(labels.path)} does not say where its images are. Say it: --source SRC"
                )
            identity = {}
        columns = Columns(identity.get("image"), identity.get("id"))
        place = identity.get("place") if source is None else source
        if source is None and identity.get("kind") == "pattern":
            place = str(Path(str(place)) / str(identity.get("pattern")))
        opened = open_source(place, Columns())
        if not isinstance(opened, _FILES) and hasattr(opened, "columns"):
            opened = replace(opened, columns=columns)  # type: ignore[type-var]
        return cls(opened, wanted)

    def __call__(self, name: str) -> str | bytes:
        """The path or the encoded picture.

        Raises:
            BadImageError: there is none of this id.
        """
        item = self._item(name)
        if item is None:
            reason = self._source.gone() or "Say where the images are now: --source SRC"
            raise BadImageError(f"There is no image {name!r} in the source. {reason}")
        return self._source.open(item)

    def _item(self, name: str) -> Item | None:
        if isinstance(self._source, _FILES):
            item = Item(name, name)
            if is_file(Path(str(self._source.open(item)))):
                return item
        if self._items is None:
            self._items = {
                item.id: item
                for item in self._source.items()
                if item.fault is None and (self._wanted is None or item.id in self._wanted)
            }
        return self._items.get(name)


_FILES = (FolderImages, ListedImages, MatchedImages)


def picture_bytes(source: str | bytes, name: str) -> bytes:
    """The encoded picture at a path, or that is there already.

    Args:
        source: a path, or the encoded picture.
        name: what to call it in messages.

    Raises:
        BadImageError: it cannot be read.
    """
    if isinstance(source, bytes):
        return source
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise BadImageError(
            f"Cannot read the image {name!r}: {error.strerror or error}."
        ) from error
