"""Labels for other tools: rows are read part by part, and written image by image."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.errors import BadImageError, OutputError
from vlmscope.export.formats import LABEL_FORMATS, ExportJob, KeyCounter, LabelFormat
from vlmscope.io import atomic_path, shown_path, write_json
from vlmscope.labels.audit import Decision, Decisions
from vlmscope.labels.decided import Key, as_decided, decisions_about
from vlmscope.labels.export_folder import RECORD, new_folder
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.objects import failed, image_of_rows, is_object
from vlmscope.labels.pictures import SourcePictures, picture_bytes
from vlmscope.progress import progress_bar
from vlmscope.version import __version__

__all__ = ["LOCAL_FILES", "Exported", "export_labels"]

LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio serves pictures of its own disk."""

_COLUMNS = (
    *("id", "phrase", "instance", "box", "point", "score", "presence", "mask"),
    *("width", "height", "warnings", "method", "model", "error"),
)
_SHOWN = 20  # images that are named one by one


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file, or the folder.
        format: its id.
        images: how many images, also those in which nothing was found.
        objects: how many objects.
        below: objects that were left out for their score.
        rejected: objects that were left out because somebody rejected them.
        corrected: objects with the box that somebody drew.
        failed: images that could not be labelled; they are left out.
        phrases: how many classes there are.
        unread: images whose pictures could not be read, with the reason, twenty at most; they are left out.
        unread_images: how many those are.
        notes: what to know of the files.
    """

    path: Path
    format: str
    images: int
    objects: int
    below: int
    failed: int
    phrases: int
    unread: tuple[tuple[str, str], ...] = ()
    unread_images: int = 0
    notes: tuple[str, ...] = ()
    rejected: int = 0
    corrected: int = 0

    def to_dict(self) -> dict[str, object]:
        """JSON values."""
        left = [{"id": name, "reason": reason} for name, reason in self.unread]
        return {
            "path": str(self.path),
            "format": self.format,
            "images": self.images,
            "objects": self.objects,
            "below_least_score": self.below,
            "rejected": self.rejected,
            "corrected": self.corrected,
            "failed_images": self.failed,
            "phrases": self.phrases,
            "unread_images": self.unread_images,
            "unread": left,
            "notes": list(self.notes),
        }


def export_labels(
    folder: LabelFolder | str | os.PathLike[str],
    out: str | os.PathLike[str],
    format: str = "coco",
    *,
    least_score: float | None = None,
    source: Any = None,
    prefix: str = LOCAL_FILES,
    overwrite: bool = False,
    decisions: Decisions | str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Exported:
    """Write labels in another tool's format, in memory that does not grow with the images.

    Beside what is being written, sixteen bytes an image and the phrases are kept. Classes are the
    job's phrases in its order, whatever was found; where every image has its own, in the alphabet's.

    Args:
        folder: of labels, finished or not.
        out: the file, which is replaced, or the folder, which must be new or empty.
        format: id of one of :data:`vlmscope.export.formats.LABEL_FORMATS`.
        least_score: objects below it are left out, and those without a score; images stay.
        source: where the images are now, as for :func:`vlmscope.label`, for ``webdataset``; None: where
            they were. In Python also a function from an id to a path or an encoded picture.
        prefix: what stands before the id in the address of a picture, for ``label-studio``.
        overwrite: replace a folder that an earlier export wrote.
        decisions: of people about its objects, or their file: what was rejected is left out, and a box
            that was drawn takes the place of the label's, whose peak and mask are then left out.
        progress: show a bar.

    Returns:
        What was written. Images whose picture cannot be read are left out and counted.

    Raises:
        UnknownNameError: no such format.
        OutputError: no folder of labels, nothing in it, or a place that cannot be written.
        BadImageError, BadSampleError: the source of the images is gone, or cannot be read; so are the
            decisions, or they are about another job.
    """
    labels = folder if isinstance(folder, LabelFolder) else LabelFolder.open(folder)
    kind = LABEL_FORMATS.get(format)
    read = _reader(labels, source) if kind.pictures else None
    names, keys = _survey(labels)
    job = ExportJob(names, keys.keys(), _has_masks(labels), prefix, read)
    about = None if decisions is None else decisions_about(labels, decisions)
    decided = {} if about is None else {each.key: each for each in about.each}
    run = _Run(labels, kind, job, least_score, decided)
    target = Path(out)
    if kind.folder:
        with new_folder(target, overwrite) as place:
            done = run.write(place, target, progress)
            write_json(place / RECORD, {"vlmscope": __version__, **done.to_dict()})
    else:
        with atomic_path(target) as place:
            done = run.write(place, target, progress)
    return done


def _reader(labels: LabelFolder, source: Any) -> Callable[[str], bytes]:
    pictures = source if callable(source) else SourcePictures.of(labels, source)
    return lambda name: picture_bytes(pictures(name), name)


def _survey(labels: LabelFolder) -> tuple[tuple[str, ...], KeyCounter]:
    """The phrases in order, and a counter that has seen every image that was labelled.

    Raises:
        OutputError: there is no image, or one stands there twice.
    """
    phrases: set[str] = set()
    keys = KeyCounter()
    images = 0
    for name, rows in labels.images(("id", "phrase", "error")):
        images += 1
        keys.add(name)
        phrases.update(row["phrase"] for row in rows if row["phrase"] is not None)
    if not images:
        raise OutputError(
            f"{shown_path(labels.path)} holds no labels yet. Run the vlmscope label command that made it "
            "again: it goes on."
        )
    if keys.repeated:
        raise OutputError(
            f"{keys.repeated:,} images stand in {shown_path(labels.path)} more than once. Parts of another "
            "job lie in its folder parts/: label into a folder of its own."
        )
    first = [name for name in _phrases_of(labels) if name in phrases]
    return tuple(dict.fromkeys((*first, *sorted(phrases)))), keys


def _phrases_of(labels: LabelFolder) -> list[str]:
    """The phrases of the job, in its order; none where every image has its own."""
    kept = labels.job.get("kept")
    phrases = kept.get("phrases") if isinstance(kept, dict) else None
    return phrases if isinstance(phrases, list) else []


def _has_masks(labels: LabelFolder) -> bool:
    return any(row["mask"] is not None for row in labels.rows(("mask",)))


class _Run:
    """One export: reads images and hands them to a writer.

    Args:
        labels: to read.
        kind: of what is written.
        job: what its writer knows.
        least_score: objects below it are left out.
        decided: what people said of some objects.
    """

    def __init__(
        self,
        labels: LabelFolder,
        kind: LabelFormat,
        job: ExportJob,
        least_score: float | None,
        decided: Mapping[Key, Decision],
    ) -> None:
        self._labels, self._kind, self._job = labels, kind, job
        self._least, self._decided = least_score, decided
        self._rejected = self._corrected = 0
        self._images = self._objects = self._below = self._failed = 0
        self._unread: list[tuple[str, str]] = []
        self._unread_images = 0

    def write(self, place: Path, target: Path, progress: bool) -> Exported:
        """Write all images.

        Args:
            place: what is written: a file or an empty folder.
            target: where it will lie.
            progress: show a bar.
        """
        every = self._labels.images(_COLUMNS)
        with (
            progress_bar(every, "Export", total=None, unit="image", progress=progress) as images,
            self._kind.writer(place, self._job) as add,
        ):
            for name, rows in images:
                self._failed += failed(rows)
                if not failed(rows):
                    self._add(add, name, rows)
        return Exported(
            target, self._kind.id, self._images, self._objects, self._below, self._failed,
            len(self._job.names), tuple(self._unread), self._unread_images, self._notes(),
            self._rejected, self._corrected,
        )  # fmt: skip

    def _add(self, add: Callable[..., None], name: str, rows: list[dict[str, object]]) -> None:
        found = image_of_rows(name, rows, self._least)
        image, rejected, corrected = as_decided(found, self._decided)
        try:
            add(image)
        except BadImageError as error:  # only writers of pictures open any
            self._unread_images += 1
            if len(self._unread) < _SHOWN:
                self._unread.append((name, str(error)))
            return
        self._images += 1
        self._objects += len(image.objects)
        self._rejected += rejected
        self._corrected += corrected
        self._below += sum(is_object(row) for row in rows) - len(found.objects)

    def _notes(self) -> tuple[str, ...]:
        shared = len(self._job.keys)
        if not shared or self._kind.id not in ("yolo", "voc", "fiftyone"):
            return ()
        return (
            f"{shared:,} names belong to several images that differ in their ending alone, such as a.jpg and "
            "a.png; their labels are under the whole name (a.jpg.txt), where training does not look. "
            "Rename the images.",
        )
