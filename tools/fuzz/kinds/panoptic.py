"""Panoptic data sets: the listing, the pictures of segments, the images."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import scene
from tools.fuzz.mutate import broken, changed, spelled

__all__ = ["panoptic"]

_SIDE = 64


@cache
def _listing() -> dict[str, Any]:
    segments = [{"id": 1, "category_id": 7, "iscrowd": 0}, {"id": 300, "category_id": 9}]
    return {
        "categories": [{"id": 7, "name": "circle", "isthing": 1}, {"id": 9, "name": "star"}],
        "images": [
            {"id": number, "file_name": f"{number}.png", "height": _SIDE, "width": _SIDE}
            for number in (1, 2)
        ],
        "annotations": [
            {"image_id": number, "file_name": f"{number}.png", "segments_info": segments}
            for number in (1, 2)
        ],
    }


@cache
def _segments() -> bytes:
    ids = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    ids[:40, :40, 0] = 1
    ids[40:, 40:] = (300 % 256, 300 // 256, 0)
    stream = io.BytesIO()
    Image.fromarray(ids).save(stream, "PNG")
    return stream.getvalue()


@st.composite
def panoptic(draw: st.DrawFn) -> Input:
    """A folder with one thing changed: most often the listing."""
    files: dict[str, bytes] = {f"images/{number}.png": scene(_SIDE, _SIDE) for number in (1, 2)}
    files |= {f"panoptic/{number}.png": _segments() for number in (1, 2)}
    listing: Any = _listing()
    way = draw(st.sampled_from(("listing", "listing", "listing", "bytes", "segments", "image")))
    if way == "listing":
        listing = draw(changed(listing))
    files["panoptic.json"] = draw(spelled(listing))
    spoiled = {"bytes": "panoptic.json", "segments": "panoptic/1.png", "image": "images/2.png"}
    if way in spoiled:
        files[spoiled[way]] = draw(broken(files[spoiled[way]]))
    evaluate = ("eval", "coco-panoptic", "--root", ".", "--method", "clip", "-q")
    calls: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *[(("@dataset", "coco-panoptic"), ())] * 4,
        ((*evaluate, "--json"), ()),
        ((*evaluate, "--out", "out"), ("out",)),
    ]
    words, written = draw(st.sampled_from(calls))
    return Input(words, files, written)
