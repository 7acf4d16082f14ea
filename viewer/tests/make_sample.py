"""Writes a page with every kind of block, on made-up numbers, to look at.

python tests/make_sample.py sample.html          # 8 layers of 8 heads on a small picture
python tests/make_sample.py sample.html large    # 32 layers of 32 heads, 2,304 image tokens
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from packing import Jpeg, page
from PIL import Image, ImageDraw

SIZES = {"small": (8, 8, 14, (336, 448)), "large": (32, 32, 48, (800, 1000))}


def main() -> None:
    name = sys.argv[2] if len(sys.argv) > 2 else "small"
    layers, heads, side, size = SIZES[name]
    Path(sys.argv[1]).write_text(_page(layers, heads, side, size), encoding="utf-8")


def _page(layers: int, heads: int, side: int, size: tuple[int, int]) -> str:
    rng = np.random.default_rng(3)
    cells = _cells(size, side)
    picture = Jpeg(_picture(size))
    blocks = [
        _scene(picture, size, cells, "the red ball", rng) | {"type": "scene", "id": "ball"},
        _heads(layers, heads, cells, rng),
        _words(layers, cells, rng) | {"scene": "ball"},
        {"type": "heading", "level": 2, "text": "Blocked layers"},
        _steps(rng),
        {"type": "heading", "level": 2, "text": "Side by side"},
        {
            "type": "compare",
            "scenes": [
                _scene(picture, size, cells, title, rng)
                for title in ("localization heads", "mean attention", "כדור אדום")
            ],
            "scale": [0.0, 1.2],
            "note": "Three methods on one model.",
        },
        _segmentation(picture, size),
        {"type": "hologram", "text": "from the future"},
    ]
    return page("The red ball <b>&amp;", "One picture, one phrase, every head.", blocks)


def _cells(size: tuple[int, int], side: int) -> dict[str, Any]:
    """A square crop in the middle: what lies left and right of it was not seen."""
    height, width = size
    left = (width - height) / 2
    edges = np.linspace(0, height, side + 1)
    view = {"name": "image", "y_edges": edges.tolist(), "x_edges": (edges + left).tolist()}
    return {"size": list(size), "views": [view]}


def _blob(side: int, y: float, x: float, width: float) -> NDArray[np.float64]:
    at = (np.arange(side) + 0.5) / side
    return np.exp(-((at[:, None] - y) ** 2 + (at[None] - x) ** 2) / (2 * width**2))


def _picture(size: tuple[int, int]) -> bytes:
    height, width = size
    ramp = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([150, 180, 205]) * (1 - ramp) + np.array([120, 140, 90]) * ramp
    pixels = np.broadcast_to(sky, (height, width, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    y, x, r = 0.62 * height, 0.56 * width, 0.14 * height
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(196, 52, 44))
    draw.rectangle((0.2 * width, 0.3 * height, 0.32 * width, 0.6 * height), fill=(70, 90, 150))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _scene(
    picture: Jpeg, size: tuple[int, int], cells: dict[str, Any], title: str, rng: Any
) -> dict[str, Any]:
    height, width = size
    side = len(cells["views"][0]["y_edges"]) - 1
    values = _blob(side, 0.62, 0.58, 0.12) + 0.05 * rng.random((side, side))
    y, x, r = 0.62 * height, 0.56 * width, 0.14 * height
    inside = np.hypot(*np.meshgrid(np.arange(width) - x, np.arange(height) - y)) < r
    return {
        "image": picture,
        "size": list(size),
        "title": title,
        "cells": cells,
        "map": values.astype(np.float32).ravel(),
        "scale": [float(values.min()), float(values.max())],
        "scale_note": "stretched to its own range",
        "seen": [(width - height) / 2, 0, (width + height) / 2, height],
        "box": [x - r, y - r, x + r, y + r],
        "point": [x, y],
        "mask": {"size": list(size), "counts": _runs(inside)},
        "instances": [
            {"box": [x - r, y - r, x + r, y + r], "point": [x, y], "score": 1.0, "mask": None},
            {"box": [100, 90, 160, 220], "point": None, "score": 0.31, "mask": None},
        ],
        "score": 0.6123,
        "score_note": "mean attention inside the box over its mean outside",
        "chance": {"name": "a random cell", "value": 0.113},
        "evidence": None if title != "the red ball" else [["points at", "81% of 200 objects"]],
        "warnings": ["The box touches the edge of what the model saw."],
        "facts": [["model", "tiny-llava"], ["method", title], ["took", "0.21 s"]],
        "python": 'import vlmscope as vs\nvs.ground(model, "ball.jpg", "the red ball")',
        "command": 'vlmscope ground ball.jpg "the red ball"',
    }


def _runs(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    flat = np.concatenate([[False], mask.ravel()])
    edges = np.flatnonzero(np.diff(flat.astype(np.int8), append=0)) if flat.any() else []
    stops = np.concatenate([[0], edges, [mask.size]]).astype(np.int32)
    return np.diff(stops).astype(np.int32)


def _heads(layers: int, heads: int, cells: dict[str, Any], rng: Any) -> dict[str, Any]:
    side = len(cells["views"][0]["y_edges"]) - 1
    rows = np.zeros((layers, heads, side * side), np.float16)
    scale = np.zeros((layers, heads), np.float32)
    for layer in range(layers):
        for head in range(heads):
            row = _blob(side, *rng.random(2), 0.03 + 0.2 * rng.random()) + 0.02
            row[0, 0] = row.max() * 3  # a sink
            scale[layer, head] = row.max() * 0.01
            rows[layer, head] = (row / row.max()).ravel()
    scale[1] = np.nan
    sinks = np.zeros(side * side, np.uint8)
    sinks[0] = 1
    mass = rng.random((layers, heads)).astype(np.float32)
    mass[1] = np.nan
    return {
        "type": "heads",
        "scene": "ball",
        "layers": layers,
        "heads": heads,
        "cells": cells,
        "rows": rows,
        "scale": scale,
        "measures": [
            {
                "id": "mass",
                "name": "image mass",
                "unit": "",
                "text": "The share of the head's attention that lies on the picture.",
                "values": mass,
            },
            {
                "id": "entropy",
                "name": "spatial entropy",
                "unit": "nats",
                "text": "Low: in one piece.",
                "values": (3 * (1 - mass)).astype(np.float32),
            },
        ],
        "chosen": [[2, 3], [4, 1], [5, 6]],
        "sinks": sinks,
        "rows_name": "last token of the phrase",
        "note": "Rows as the model computed them.",
    }


def _words(layers: int, cells: dict[str, Any], rng: Any) -> dict[str, Any]:
    text = "A red ball 🎈 lies on the grass, near a blue box."
    names = ["red", "ball", "lies", "grass", "blue", "box"]
    side = len(cells["views"][0]["y_edges"]) - 1
    maps = [_blob(side, *rng.random(2), 0.1).ravel() for _ in range(len(names) * layers)]
    shape = (len(names), layers)
    image, question = 0.4 * rng.random(shape), 0.3 * rng.random(shape)
    return {
        "type": "words",
        "prompt": "Describe the picture.",
        "text": text,
        "words": [
            {
                "text": name,
                "start": text.index(name),
                "end": text.index(name) + len(name),
                "lost": name in ("red", "ball"),
                "maybe_guessed": name == "grass",
                "gain": 2.4,
                "log_prob": -0.3,
                "blank_log_prob": -2.7,
                "blocked_log_prob": None,
            }
            for name in names
        ],
        "cells": cells,
        "rows": np.array(maps, np.float16).reshape(*shape, side * side),
        "scale": np.full(shape, 0.01, np.float32),
        "share": image.astype(np.float32),
        "blank_share": (image * 0.7).astype(np.float32),
        "other_shares": {
            "question": question.astype(np.float32),
            "answer": (0.9 - image - question).astype(np.float32),
        },
        "layers": [layers // 2, layers - 2],
        "caveat": "Where a word looked is not why it was said.",
    }


def _steps(rng: Any) -> dict[str, Any]:
    texts = ["A red ball on the grass.", "A ball on the grass.", "A dog on the sofa.", ""]
    steps = [
        {
            "label": f"layers {first} to {first + 3}",
            "layers": [first, first + 3],
            "text": text,
            "values": {"log probability": float(-rng.random()), "words kept": 1 - 0.25 * first},
        }
        for first, text in enumerate(texts)
    ]
    return {
        "type": "steps",
        "name": "Blocked layers",
        "clean": {"text": texts[0]},
        "steps": steps,
        "units": {"log probability": "nats"},
        "note": "Image tokens cannot be read in these layers.",
    }


def _segmentation(picture: Jpeg, size: tuple[int, int]) -> dict[str, Any]:
    height, width = size
    labels = np.zeros(size, int)
    labels[int(0.4 * height) :] = 1
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    labels[np.hypot(y - 0.62 * height, x - 0.56 * width) < 0.14 * height] = 2
    flat = labels.ravel()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    runs = np.stack([flat[starts], np.diff(np.append(starts, flat.size))], 1)
    return {
        "type": "segmentation",
        "image": picture,
        "size": list(size),
        "names": ["sky", "grass", "ball", "cat"],
        "labels": runs.astype(np.int32).ravel(),
        "colours": [[70, 130, 220], [80, 190, 90], [230, 60, 40], [250, 180, 20]],
        "areas": [int((labels == k).sum()) for k in range(4)],
        "presence": [0.9, 0.8, 0.7, 0.1],
        "confidence": [0.8, 0.7, 0.9, None],
        "facts": [["model", "tiny-clip"]],
        "warnings": [],
    }


if __name__ == "__main__":
    main()
