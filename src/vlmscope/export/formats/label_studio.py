"""Label Studio's tasks with predictions: coordinates in percent of the image's sides, from 0 to 100."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.json_items import JsonItems
from vlmscope.export.formats.labelled import LabelledImage
from vlmscope.results.label_studio import BOX, IMAGE, POLYGON, Region, prediction

__all__ = ["LABEL_STUDIO"]

_TASKS = 10_000  # of a file: uploads have a limit


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    (place / "config.xml").write_text(_configuration(job), "utf-8")
    count = 0
    with ExitStack() as files:
        items: JsonItems | None = None

        def add(image: LabelledImage) -> None:
            nonlocal count, items
            if items is None or items.count == _TASKS:
                files.close()
                items = files.enter_context(_file(place / f"tasks-{count // _TASKS + 1:05d}.json"))
            count += 1
            items.add(_task(image, job, count))

        yield add
        if items is None:
            files.enter_context(_file(place / "tasks-00001.json"))


@contextmanager
def _file(path: Path) -> Iterator[JsonItems]:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("[")
        yield JsonItems(stream)
        stream.write("]\n")


def _task(image: LabelledImage, job: ExportJob, number: int) -> dict[str, Any]:
    regions = [
        Region(
            each.phrase,
            image.inside(each.box),
            each.score,
            each.pixels() if job.masks else None,
        )
        for each in image.objects
    ]
    made = prediction(regions, (image.height, image.width), image.model, str(number))
    address = f"{job.prefix}{quote(image.id, safe='/')}"
    return {"data": {IMAGE: address, "id": image.id}, "predictions": [made]}


def _configuration(job: ExportJob) -> str:
    """The labelling interface that the tasks are for, to be pasted into a project's settings."""
    view = Element("View")
    SubElement(view, "Image", name=IMAGE, value=f"${IMAGE}")
    _labels(view, "RectangleLabels", BOX, job.names)
    if job.masks:
        _labels(view, "PolygonLabels", POLYGON, job.names)
    indent(view, "  ")
    return f"{tostring(view, encoding='unicode')}\n"


def _labels(view: Element, tag: str, name: str, names: Sequence[str]) -> None:
    labels = SubElement(view, tag, name=name, toName=IMAGE)
    for each in names:
        SubElement(labels, "Label", value=each)


LABEL_STUDIO = LabelFormat(
    "label-studio",
    "tasks-*.json to import and config.xml for the project. Boxes: x, y, width, height in percent of the "
    "image's sides; polygons where the labels have masks; scores and the model's name.",
    _write,
    folder=True,
)
