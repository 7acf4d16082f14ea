"""The forms in which ``vlmscope ground`` gives its results, picture by picture."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from vlmscope.cli.console import emit, emit_json, emit_table
from vlmscope.cli.ground_output import GroundOutput, PictureResult
from vlmscope.errors import BadOptionError
from vlmscope.export import (
    check_coco,
    coco_document,
    instance_annotations,
    instance_lines,
    yolo_data,
)
from vlmscope.io import write_text
from vlmscope.results import Grounding

__all__ = ["Form", "form_of"]

_CSV = (
    "image",
    "phrase",
    "method",
    "instance",
    "x0",
    "y0",
    "x1",
    "y1",
    "peak_x",
    "peak_y",
    "score",
)


class Form(Protocol):
    """Takes results one after the other."""

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        """The result of a picture.

        Args:
            image: its path.
            key: its name among the files that are written.
            result: of the picture.
            record: the same as JSON values.
        """
        ...

    def skip(self, image: str, reason: str) -> None:
        """A picture that could not be used."""
        ...

    def close(self) -> list[Path]:
        """Nothing follows; the files that were written."""
        ...


@dataclass
class _Table:
    """Aligned text, printed in the end: widths are known then."""

    alone: bool
    rows: list[Sequence[object]] = field(default_factory=list)
    columns: Sequence[str] = ()

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        start = () if self.alone else (image,)
        self.columns = result.columns if self.alone else ("image", *result.columns)
        self.rows += [(*start, *row) for row in result.rows]

    def skip(self, image: str, reason: str) -> None:
        pass  # said in the end, beside the table

    def close(self) -> list[Path]:
        emit_table(self.columns, self.rows)
        return []


@dataclass
class _Json:
    """One JSON object: of the picture, or of all."""

    alone: bool
    records: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        self.records.append(record)

    def skip(self, image: str, reason: str) -> None:
        self.skipped.append({"image": image, "reason": reason})

    def close(self) -> list[Path]:
        whole = {"images": self.records, "skipped": self.skipped}
        emit_json(self.records[0] if self.alone else whole)
        return []


class _JsonLines:
    """A line per picture, printed as soon as it is there; nothing is kept."""

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        self._print(record)

    def skip(self, image: str, reason: str) -> None:
        self._print({"image": image, "skipped": reason})

    def close(self) -> list[Path]:
        return []

    def _print(self, record: dict[str, Any]) -> None:
        emit(json.dumps(record, ensure_ascii=False, allow_nan=False))
        sys.stdout.flush()


class _Csv:
    """A row per picture, phrase, method and instance; nothing is kept."""

    def __init__(self) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._begun = False

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        self._begin()
        self._writer.writerows(
            row for grounding in result.groundings for row in _csv_rows(image, grounding)
        )

    def skip(self, image: str, reason: str) -> None:
        pass  # said on stderr: there is no column for it

    def close(self) -> list[Path]:
        self._begin()
        return []

    def _begin(self) -> None:
        if not self._begun:
            self._writer.writerow(_CSV)
            self._begun = True


def _csv_rows(image: str, grounding: Grounding) -> Iterator[tuple[object, ...]]:
    start = (image, grounding.phrase, grounding.method)
    for number, each in enumerate(grounding.instances, start=1):
        yield (*start, number, *each.box, *each.point, each.score)
    if not grounding.instances:  # nothing lights up: empty cells
        yield (*start, 0, *("",) * 6, grounding.score)


@dataclass
class _Coco:
    """One COCO document of all pictures, printed in the end; phrases are its categories."""

    phrases: Sequence[str]
    images: list[tuple[str, tuple[int, int], list[dict[str, Any]]]] = field(default_factory=list)

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        size = result.groundings[0].image_size
        self.images.append((image, size, instance_annotations(result.groundings)))

    def skip(self, image: str, reason: str) -> None:
        pass  # said on stderr: COCO has no place for it

    def close(self) -> list[Path]:
        emit_json(coco_document(self.phrases, self.images, "Made by vlmscope ground."))
        return []


@dataclass
class _Yolo:
    """A text file of labels per picture in a folder; phrases are its classes."""

    phrases: Sequence[str]
    folder: Path

    def add(self, image: str, key: str, result: PictureResult, record: dict[str, Any]) -> None:
        lines = "".join(f"{line}\n" for line in instance_lines(result.groundings))
        write_text(self.folder / "labels" / f"{key}.txt", lines)

    def skip(self, image: str, reason: str) -> None:
        pass  # said on stderr: a picture without a file

    def close(self) -> list[Path]:
        path = self.folder / "data.yaml"
        write_text(path, yolo_data(self.phrases))
        return [path]


def form_of(output: GroundOutput, alone: bool, phrases: Sequence[str]) -> Form:
    """The form that was asked for.

    Args:
        output: says which, and where files go.
        alone: there is a single picture.
        phrases: the classes of COCO and YOLO.

    Raises:
        UnknownNameError: no such form.
        BadOptionError: YOLO without a folder.
        MissingExtraError: COCO without pycocotools.
    """
    name = output.format
    if name == "table":
        return _Table(alone)
    if name == "json":
        return _Json(alone)
    if name == "jsonl":
        return _JsonLines()
    if name == "csv":
        return _Csv()
    if name == "coco":
        check_coco()
        return _Coco(phrases)
    if output.out is None or output.one_picture:
        raise BadOptionError("--format yolo writes a folder of labels: say where with --out DIR.")
    return _Yolo(phrases, output.out)
