"""COCO's JSON, streamed: bbox is (x, y, width, height) in pixels, masks are run lengths."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmscope.export.coco import coco_categories, coco_image, object_annotation
from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.json_items import JsonItems, compact
from vlmscope.export.formats.labelled import LabelledImage

__all__ = ["COCO"]


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    numbers = job.numbers()
    with (
        place.open("w", encoding="utf-8", newline="\n") as stream,
        # annotations come after all images, and wait on disk until then
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=place.parent) as later,
    ):
        info = {"description": "Labels by vlmscope, a model's and nobody's: see their scores."}
        stream.write(f'{{"info": {compact(info)},\n"licenses": [],\n"categories": ')
        stream.write(f'{compact(coco_categories(job.names))},\n"images": [')
        images, annotations = JsonItems(stream), JsonItems(later)

        def add(image: LabelledImage) -> None:
            number = images.count + 1
            images.add(coco_image(number, image.id, (image.height, image.width)))
            for each in image.objects:
                identity = {"id": annotations.count + 1, "image_id": number}
                entry = object_annotation(numbers[each.phrase], each.box, each.score, each.mask)
                annotations.add({**identity, **entry})

        yield add
        stream.write('],\n"annotations": [')
        later.seek(0)
        shutil.copyfileobj(later, stream)
        stream.write("]}\n")


COCO = LabelFormat(
    "coco",
    "One JSON file. Boxes: x, y, width, height in pixels, from 0; masks as run lengths; scores.",
    _write,
)
