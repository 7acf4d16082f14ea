"""WebDataset's shards: tar files of pictures, each with its labels as JSON beside it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.data.images import open_image
from vlmscope.export.formats.base import Add, ExportJob, LabelFormat
from vlmscope.export.formats.json_items import compact
from vlmscope.export.formats.labelled import LabelledImage

__all__ = ["WEBDATASET"]

_SAMPLES = 1_000  # of a shard
_ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}  # what loaders decode


@contextmanager
def _write(place: Path, job: ExportJob) -> Iterator[Add]:
    count = 0
    with ExitStack() as shards:
        shard: tarfile.TarFile | None = None

        def add(image: LabelledImage) -> None:
            nonlocal count, shard
            assert job.read is not None  # what `pictures` is for
            picture, ending = _upright(job.read(image.id), image.id)
            if shard is None or count % _SAMPLES == 0:
                shards.close()
                path = place / f"labels-{count // _SAMPLES:06d}.tar"
                shard = shards.enter_context(tarfile.open(path, "w", format=tarfile.USTAR_FORMAT))
            # a name ends at its first dot here, so ids, which have dots, stand in the JSON alone
            _member(shard, f"{count:09d}.{ending}", picture)
            _member(shard, f"{count:09d}.json", compact(_labels(image)).encode("utf-8"))
            count += 1

        yield add


def _upright(data: bytes, name: str) -> tuple[bytes, str]:
    """A picture that every loader shows as boxes mean it: as it is, or turned and encoded anew."""
    opened = open_image(data, name=name)
    with Image.open(io.BytesIO(data)) as image:
        ending = _ENDINGS.get(image.format or "")
        still = getattr(image, "n_frames", 1) == 1
    if ending is not None and still and opened.orientation == 1:
        return data, ending
    stream = io.BytesIO()
    Image.fromarray(opened.pixels).save(stream, "PNG")
    return stream.getvalue(), "png"


def _member(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """A member without a time or an owner, so that equal labels make equal shards."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    shard.addfile(member, io.BytesIO(data))


def _labels(image: LabelledImage) -> dict[str, Any]:
    objects = [
        {
            "phrase": each.phrase,
            "instance": each.instance,
            "box": list(each.box),
            "score": each.score,
            "presence": each.presence,
            "point": None if each.point is None else list(each.point),
            "mask": None if each.mask is None else dict(each.mask),
            "warnings": list(each.warnings),
        }
        for each in image.objects
    ]
    identity = {"id": image.id, "width": image.width, "height": image.height}
    return {**identity, "model": image.model, "method": image.method, "objects": objects}


WEBDATASET = LabelFormat(
    "webdataset",
    "labels-*.tar: pictures, each with a .json beside it. Boxes: x0, y0, x1, y1 in pixels, from 0; masks "
    "as run lengths; scores. Pictures are upright.",
    _write,
    folder=True,
    pictures=True,
)
