"""A table of comma-separated values: a row an object."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.json_items import compact
from vlmscope.export.formats.labelled import LabelledImage, LabelledObject

__all__ = ["CSV"]

_COLUMNS = (
    *("id", "width", "height", "phrase", "instance", "x0", "y0", "x1", "y1", "score", "presence"),
    *("x", "y", "warnings", "method", "model", "mask"),
)


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    with place.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(_COLUMNS)

        def add(image: LabelledImage) -> None:
            table.writerows(_row(image, each) for each in image.objects)

        yield add


def _row(image: LabelledImage, thing: LabelledObject) -> list[object]:
    return [
        *(image.id, image.width, image.height, thing.phrase, thing.instance, *thing.box),
        *(thing.score, thing.presence, *(thing.point or (None, None))),
        *("; ".join(thing.warnings), image.method, image.model),
        None if thing.mask is None else compact(dict(thing.mask)),
    ]


CSV = LabelFormat(
    "csv",
    "One table, a row an object. Boxes: x0, y0, x1, y1 in pixels, from 0, far edges outside; x, y of the "
    "peak; masks as COCO's run lengths in JSON; scores.",
    _write,
)
