"""One folder of labels behind the app: its objects, their pictures, and what was decided."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from PIL import Image

from vlmscope.app.folder.book import DecisionBook
from vlmscope.app.folder.inside import check_inside, is_inside, read_inside
from vlmscope.app.folder.objects import ListedObject, Objects
from vlmscope.app.refusal import Refusal
from vlmscope.data.images import MAX_PIXELS, open_image
from vlmscope.errors import BadImageError, VlmscopeError
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.pictures import SourcePictures
from vlmscope.labels.sources.files import fixed_folder
from vlmscope.markup import jpeg
from vlmscope.results.drawing import resized, scale_factor

__all__ = ["ServedFolder"]

_BYTES = 600_000  # of a picture that is shown
_LEAST_SIDE = 160


class ServedFolder:
    """A folder of labels.

    Args:
        path: of the folder.
        source: where the pictures are, as for :func:`vlmscope.label`; None: where the job says, as far
            as that lies in the folder itself.
        max_pixels: larger pictures are not shown.

    Raises:
        OutputError: no folder of labels, or one with links that lead out of it.
        MissingExtraError: without pyarrow.
        BadSampleError: decisions in it that cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        source: str | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        folder = Path(path)
        check_inside([folder / "job.json"] if (folder / "job.json").exists() else [], folder)
        self.labels = LabelFolder.open(folder)
        check_inside(self.labels.parts, folder)
        self.objects = Objects(self.labels)
        self.book = DecisionBook(self.labels, self.objects)
        self._roots = _roots(folder, source)
        self._source, self._max_pixels = source, max_pixels
        self._pictures: SourcePictures | None = None

    def described(self) -> dict[str, Any]:
        """Name and size: JSON values."""
        return {
            "name": self.labels.path.resolve().name,
            "images": len(self.objects.images),
            "objects": len(self.objects.each),
        }

    def listed(
        self,
        offset: int,
        limit: int,
        least_score: float | None,
        warned: bool | None,
        decision: str | None,
    ) -> dict[str, Any]:
        """A stretch of the objects that pass a filter: JSON values.

        Args:
            offset, limit: which of them.
            least_score, warned: as for :meth:`Objects.chosen`.
            decision: only those that were decided so; ``none``: those that were not; None: any.
        """
        passing = [
            each
            for each in self.objects.chosen(least_score, warned)
            if decision is None or (self.book.of(each.key) or "none") == decision
        ]
        rows = [self._row(each) for each in islice(passing, offset, offset + limit)]
        return {"total": len(passing), "rows": rows}

    def picture(self, name: str, side: int) -> bytes:
        """A picture as JPEG, its longer side not above ``side`` pixels.

        Raises:
            Refusal: the folder holds no image of this id.
            BadImageError: its picture cannot be had.
        """
        if name not in self.objects.images:
            raise Refusal(404, "unknown-image", "The folder holds no image of this name.")
        if ".." in PurePosixPath(name).parts:
            raise BadImageError(f"The picture of {name!r} is named by a way out of its folder.")
        opened = open_image(self._bytes(name), max_pixels=self._max_pixels, name=name)
        height, width = opened.size
        factor = min(1.0, scale_factor(height, width, side, 1))
        size = max(1, round(height * factor)), max(1, round(width * factor))
        data, _ = jpeg(Image.fromarray(resized(opened.pixels, size)), _BYTES, _LEAST_SIDE)
        return data

    def _bytes(self, name: str) -> bytes:
        try:
            if self._pictures is None:
                self._pictures = self._opened()
            found = self._pictures(name)
        except VlmscopeError as error:
            raise BadImageError(
                f"The picture of {name!r} is not where it was, or lies outside the folder. Start the app "
                "with the place of the pictures: --source SRC"
            ) from error
        return found if isinstance(found, bytes) else read_inside(Path(found), self._roots, name)

    def _opened(self) -> SourcePictures:
        """The pictures, where they may be read: a place that only a file names is looked up nowhere else."""
        if self._source is None:
            kept = self.labels.job.get("kept")
            identity = kept.get("source") if isinstance(kept, dict) else None
            place = identity.get("place") if isinstance(identity, dict) else None
            if not isinstance(place, str) or not is_inside(Path(place), self._roots):
                raise BadImageError("The pictures lie outside the folder.")
        return SourcePictures.of(self.labels, self._source, self.objects.images)

    def _row(self, each: ListedObject) -> dict[str, Any]:
        return {
            "id": each.id,
            "image": f"api/folder/pictures/{quote(each.id, safe='')}",
            "size": None if each.size is None else list(each.size),
            "phrase": each.phrase,
            "instance": each.instance,
            "box": list(each.box),
            "score": each.score,
            "warnings": list(each.warnings),
            "decision": self.book.of(each.key),
            "corrected": self.book.box_of(each.key),
        }


def _roots(folder: Path, source: str | None) -> tuple[Path, ...]:
    """Folders from which pictures may be read: what was named, and nothing that a file names."""
    places = [folder]
    if source is not None:
        named = Path(source)
        places.append(named if named.exists() else fixed_folder(source))  # a pattern names none
    real = [place.resolve() for place in places if place.exists()]
    return tuple(place if place.is_dir() else place.parent for place in real)
