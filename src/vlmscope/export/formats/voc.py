"""PASCAL VOC's XML: whole pixels, counted from 1, the far edges inside the box."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.files import new_text
from vlmscope.export.formats.labelled import LabelledImage
from vlmscope.types import Box

__all__ = ["VOC"]

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    (place / "Annotations").mkdir()

    def add(image: LabelledImage) -> None:
        root = _annotation(image)
        indent(root, "  ")
        text = tostring(root, encoding="unicode")
        new_text(place, f"Annotations/{job.keys(image.id)}.xml", f"{text}\n")

    yield add


def _annotation(image: LabelledImage) -> Element:
    """The elements in the order of VOC's own files."""
    folder, _, name = image.id.rpartition("/")
    root = Element("annotation")
    _text(root, "folder", folder)
    _text(root, "filename", name)
    _text(SubElement(root, "source"), "database", "vlmscope")
    size = SubElement(root, "size")
    for tag, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        _text(size, tag, str(value))
    _text(root, "segmented", "0")
    for each in image.objects:
        thing = SubElement(root, "object")
        fields = {"name": each.phrase, "pose": "Unspecified", "truncated": "0", "difficult": "0"}
        for tag, text in fields.items():
            _text(thing, tag, text)
        corners = SubElement(thing, "bndbox")
        for tag, number in zip(
            ("xmin", "ymin", "xmax", "ymax"), _pixels(image.inside(each.box), image), strict=True
        ):
            _text(corners, tag, str(number))
    return root


def _pixels(box: Box, image: LabelledImage) -> tuple[int, int, int, int]:
    """The first and the last pixel that a box touches, from 1."""
    x0, y0, x1, y1 = box
    left, top = min(math.floor(x0) + 1, image.width), min(math.floor(y0) + 1, image.height)
    return left, top, max(math.ceil(x1), left), max(math.ceil(y1), top)


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _NOT_IN_XML.sub("\ufffd", text)


VOC = LabelFormat(
    "voc",
    "Annotations/*.xml. Boxes: xmin, ymin, xmax, ymax, the first and last pixel they touch, from 1; "
    "no scores and no masks, for the format has none.",
    _write,
    folder=True,
)
