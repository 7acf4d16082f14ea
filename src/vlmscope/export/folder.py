"""A folder of segmentations that an interrupted run goes on with.

Layout, for an image ``sub/a.jpg``::

    segmentation.json       what was run, written first
    records/sub/a.json      classes, areas, scores; written LAST, so it says the rest is there
    masks/sub/a.png         class indices
    overlays/sub/a.png
    labels/sub/a.txt        YOLO, with data.yaml
    annotations.json        COCO, put together from the records at the end
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.errors import OutputError
from vlmscope.export.coco import coco_annotations, coco_document
from vlmscope.export.indexed import index_image
from vlmscope.export.yolo import yolo_data, yolo_lines
from vlmscope.io import atomic_path, write_json, write_text
from vlmscope.results.segmentation import OPACITY

if TYPE_CHECKING:
    from PIL import Image

    from vlmscope.results import Segmentation

__all__ = ["FORMATS", "ResultFolder", "keys_of"]

FORMATS = ("png", "coco", "yolo")
"""What can be written beside records and overlays."""

_HEADER = "segmentation.json"
_COCO = "annotations.json"
_YOLO = "data.yaml"
_KINDS = (("masks",), ("overlays",), ("labels",))  # folders that records name files in


@dataclass(frozen=True)
class ResultFolder:
    """Where the results of a run go.

    Attributes:
        path: the folder.
        formats: which of :data:`FORMATS` are written.
        overlays: whether overlays are.
        opacity: how strongly colours cover the image on overlays, 0..1.
    """

    path: Path
    formats: tuple[str, ...]
    overlays: bool = True
    opacity: float = OPACITY

    def open(self, header: Mapping[str, Any], overwrite: bool = False) -> None:
        """Begin a run, or go on with one.

        Args:
            header: JSON values that have to be the same for results to belong together.
            overwrite: forget what is there: the files of earlier runs are removed.

        Raises:
            OutputError: the folder holds results of another run or files of somebody else that
                would be written over, or cannot be written.
        """
        drawn = {"opacity": self.opacity} if self.overlays and self.opacity != OPACITY else {}
        wanted = json.loads(json.dumps({**header, **drawn}, allow_nan=False))
        place = self.path / _HEADER
        earlier = _read(place)
        if earlier is None and place.exists() and not overwrite:
            raise OutputError(
                f"{place} is no record of a run. Choose another folder, or --overwrite."
            )
        if not place.exists() and not overwrite:
            self._refuse_foreign()
        differing = [] if earlier is None else _differing(earlier, wanted)
        if differing and not overwrite:
            raise OutputError(
                f"{self.path} holds results of a run with another {', '.join(differing)}. Choose "
                "another folder, or --overwrite them."
            )
        if overwrite:
            self._forget()
        if earlier is None or differing:
            write_json(place, wanted)
        if "yolo" in self.formats:
            write_text(self.path / _YOLO, yolo_data(list(wanted["classes"])))

    def withdraw(self) -> None:
        """Take back what :meth:`open` wrote, where no image has a record: a failed run leaves nothing."""
        if any((self.path / "records").rglob("*.json")):
            return
        for name in (_HEADER, _YOLO):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # files of somebody else lie in it
            self.path.rmdir()

    def files(self, key: str) -> dict[str, Path]:
        """The files of an image beside its record.

        Args:
            key: its path within the run, without an ending, for example ``sub/a``.
        """
        files = {}
        if "png" in self.formats:
            files["mask"] = Path("masks", f"{key}.png")
        if self.overlays:
            files["overlay"] = Path("overlays", f"{key}.png")
        if "yolo" in self.formats:
            files["yolo"] = Path("labels", f"{key}.txt")
        return files

    def finished(self, key: str, source: Mapping[str, Any]) -> dict[str, Any] | None:
        """The record of an image that is done, or None.

        Args:
            key: as in :meth:`files`.
            source: what identifies the image file, JSON values; a record of another does not count.
        """
        record = _read(self._record(key))
        if record is None or record.get("source") != dict(source):
            return None
        if "coco" in self.formats and "coco" not in record:
            return None
        complete = all((self.path / place).is_file() for place in self.files(key).values())
        return record if complete else None

    def holds_another(self, key: str, image: str) -> bool:
        """Whether the results of an image of another name lie under a key."""
        source = (_read(self._record(key)) or {}).get("source")
        return isinstance(source, dict) and source.get("image") != image

    def write(
        self,
        key: str,
        source: Mapping[str, Any],
        segmentation: Segmentation,
        notes: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Write everything of one image; returns its record.

        Raises:
            OutputError: a file that cannot be written.
            MissingExtraError: COCO without pycocotools.
        """
        files = self.files(key)
        record = {"source": dict(source), "notes": list(notes), **segmentation.to_dict()}
        if "mask" in files:
            indexed = index_image(segmentation)
            _save(indexed.picture, self.path / files["mask"])
            record["mask"] = {"bits": indexed.bits, "background": indexed.background}
        if "overlay" in files:
            _save(segmentation.overlay(alpha=self.opacity), self.path / files["overlay"])
        if "yolo" in files:
            lines = "".join(f"{line}\n" for line in yolo_lines(segmentation))
            write_text(self.path / files["yolo"], lines)
        if "coco" in self.formats:
            record["coco"] = coco_annotations(segmentation)
        record["files"] = {name: place.as_posix() for name, place in files.items()}
        write_json(self._record(key), record)
        return record

    def close(self, names: Sequence[str], records: Iterable[Mapping[str, Any]]) -> None:
        """Write what is about all images together: the COCO file."""
        if "coco" not in self.formats:
            return
        images = [
            (
                str(record["source"]["image"]),
                (int(record["image_size"]["height"]), int(record["image_size"]["width"])),
                record["coco"],
            )
            for record in records
        ]
        write_json(self.path / _COCO, coco_document(names, images, "by vlmscope"))

    @property
    def places(self) -> tuple[Path, ...]:
        """A file of every kind that a run writes, for a trial whether they can be written."""
        made = [self.path / _HEADER, self._record("trial")]
        made += [self.path / place for place in self.files("trial").values()]
        made += [self.path / _YOLO] if "yolo" in self.formats else []
        return (*made, self.path / _COCO) if "coco" in self.formats else tuple(made)

    def _refuse_foreign(self) -> None:
        wanted = ("coco", _COCO), ("yolo", _YOLO)
        for name in (name for format_, name in wanted if format_ in self.formats):
            if (self.path / name).exists():
                raise OutputError(
                    f"{self.path / name} is there already and of no run of vlmscope. Choose another "
                    "folder, or --overwrite it."
                )

    def _forget(self) -> None:
        """Remove what the records name, the records, and what is about all images together."""
        try:
            for place in (self.path / "records").rglob("*.json"):
                self._remove((_read(place) or {}).get("files"))
                place.unlink()
            for name in (_COCO, _YOLO) if (self.path / _HEADER).exists() else ():
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot empty {self.path}: {error.strerror}.") from error

    def _remove(self, files: Any) -> None:
        """Files that a record names, as long as they lie in a folder that runs write to."""
        for name in files.values() if isinstance(files, dict) else ():
            place = Path(str(name))
            if place.parts[:1] in _KINDS and ".." not in place.parts:
                (self.path / place).unlink(missing_ok=True)

    def _record(self, key: str) -> Path:
        return self.path / "records" / f"{key}.json"


def keys_of(images: Sequence[Path]) -> dict[Path, str]:
    """A key for each image, by its path within the run: ``sub/a.jpg`` becomes ``sub/a``.

    Images that differ in nothing but their ending keep it: ``sub/a.jpg`` and ``sub/a.png``.
    """
    stems = Counter(image.with_suffix("") for image in images)
    keys = {
        image: (image if stems[image.with_suffix("")] > 1 else image.with_suffix("")).as_posix()
        for image in images
    }
    if len(set(keys.values())) < len(keys):  # there is an "a.jpg.png" beside them, too
        return {image: image.as_posix() for image in images}
    return keys


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Keys with other values; the order within a value counts, for it numbers the classes."""
    keys = sorted({*first, *second})
    return [key for key in keys if json.dumps(first.get(key)) != json.dumps(second.get(key))]


def _save(picture: Image.Image, path: Path) -> None:
    with atomic_path(path) as temporary:
        picture.save(temporary)


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None when there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
