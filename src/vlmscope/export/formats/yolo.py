"""YOLO's text files: boxes, or polygons where the labels have masks, relative to the image's sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.files import new_text
from vlmscope.export.formats.labelled import LabelledImage
from vlmscope.export.yolo import box_line, object_line, yolo_data

__all__ = ["YOLO"]


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    numbers = job.numbers()
    (place / "data.yaml").write_text(yolo_data(job.names), "utf-8")

    def add(image: LabelledImage) -> None:
        size = image.height, image.width
        lines = []
        for each in image.objects:
            index, box = numbers[each.phrase], image.inside(each.box)
            # a set of boxes and polygons mixed is taken for one of boxes, and its polygons are lost
            lines.append(
                object_line(index, box, each.pixels(), *size)
                if job.masks
                else box_line(index, box, *size)
            )
        new_text(place, f"labels/{job.keys(image.id)}.txt", "".join(f"{line}\n" for line in lines))

    yield add


YOLO = LabelFormat(
    "yolo",
    "data.yaml and labels/*.txt. Boxes: centre x, centre y, width, height as shares of the image's sides; "
    "polygons in their place where the labels have masks; no scores, for training takes none.",
    _write,
    folder=True,
)
