"""FiftyOne's labels.json (FiftyOneImageDetectionDataset): shares of the image's sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.json_items import JsonItems, compact
from vlmscope.export.formats.labelled import LabelledImage, LabelledObject

__all__ = ["FIFTYONE"]


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    numbers = job.numbers()
    with place.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'{{"classes": {compact(job.names)},\n"labels": {{')
        items = JsonItems(stream)

        def add(image: LabelledImage) -> None:
            found = [_detection(each, image, numbers[each.phrase]) for each in image.objects]
            items.add(found, job.keys(image.id))

        yield add
        stream.write("}}\n")


def _detection(thing: LabelledObject, image: LabelledImage, index: int) -> dict[str, Any]:
    x0, y0, x1, y1 = image.inside(thing.box)
    width, height = image.width, image.height
    sides = [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height]
    detection: dict[str, Any] = {"label": index, "bounding_box": sides}
    if thing.score is not None:
        detection["confidence"] = thing.score
    more = {"presence": thing.presence, "warnings": "; ".join(thing.warnings) or None}
    attributes = {key: value for key, value in more.items() if value is not None}
    return {**detection, "attributes": {"instance": thing.instance, **attributes}}


FIFTYONE = LabelFormat(
    "fiftyone",
    "One labels.json. Boxes: x, y, width, height as shares of the image's sides; scores; no masks (FiftyOne "
    "reads those from coco).",
    _write,
)
