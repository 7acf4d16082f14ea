"""Label Studio's tasks with predictions: coordinates in percent of the image's sides, from 0 to 100."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.json_items import JsonItems
from vlmscope.export.formats.labelled import LabelledImage, LabelledObject
from vlmscope.export.polygons import mask_polygons

__all__ = ["LABEL_STUDIO"]

_TASKS = 10_000  # of a file: uploads have a limit
_BOX, _POLYGON, _IMAGE = "box", "polygon", "image"  # names of the tags in the configuration


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
        {"id": f"{number}-{index}", **region}
        for index, region in enumerate(_regions(image, job.masks), start=1)
    ]
    prediction: dict[str, Any] = {"model_version": image.model, "result": regions}
    scores = [each.score for each in image.objects if each.score is not None]
    if scores:  # tasks are sorted by it
        prediction["score"] = float(np.mean(scores))
    address = f"{job.prefix}{quote(image.id, safe='/')}"
    return {"data": {_IMAGE: address, "id": image.id}, "predictions": [prediction]}


def _regions(image: LabelledImage, masks: bool) -> Iterator[dict[str, Any]]:
    for each in image.objects:
        polygons = _polygons(each, image) if masks else []
        shapes = [(_POLYGON, {"points": points, "closed": True}) for points in polygons]
        for name, shape in shapes or [(_BOX, _rectangle(each, image))]:
            kind = "polygonlabels" if name == _POLYGON else "rectanglelabels"
            region = {
                "type": kind,
                "from_name": name,
                "to_name": _IMAGE,
                "original_width": image.width,
                "original_height": image.height,
                "image_rotation": 0,
                "value": {**shape, kind: [each.phrase]},
            }
            yield region if each.score is None else {**region, "score": each.score}


def _polygons(thing: LabelledObject, image: LabelledImage) -> list[Any]:
    """Corners in percent, one list a part of the mask."""
    mask = thing.pixels()
    if mask is None:
        return []
    sides = np.array([image.width, image.height])
    return [(ring / sides * 100).tolist() for ring in mask_polygons(mask)]


def _rectangle(thing: LabelledObject, image: LabelledImage) -> dict[str, float]:
    x0, y0, x1, y1 = image.inside(thing.box)
    return {
        "x": x0 / image.width * 100,
        "y": y0 / image.height * 100,
        "width": (x1 - x0) / image.width * 100,
        "height": (y1 - y0) / image.height * 100,
        "rotation": 0,
    }


def _configuration(job: ExportJob) -> str:
    """The labelling interface that the tasks are for, to be pasted into a project's settings."""
    view = Element("View")
    SubElement(view, "Image", name=_IMAGE, value=f"${_IMAGE}")
    _labels(view, "RectangleLabels", _BOX, job.names)
    if job.masks:
        _labels(view, "PolygonLabels", _POLYGON, job.names)
    indent(view, "  ")
    return f"{tostring(view, encoding='unicode')}\n"


def _labels(view: Element, tag: str, name: str, names: Sequence[str]) -> None:
    labels = SubElement(view, tag, name=name, toName=_IMAGE)
    for each in names:
        SubElement(labels, "Label", value=each)


LABEL_STUDIO = LabelFormat(
    "label-studio",
    "tasks-*.json to import and config.xml for the project. Boxes: x, y, width, height in percent of the "
    "image's sides; polygons where the labels have masks; scores and the model's name.",
    _write,
    folder=True,
)
