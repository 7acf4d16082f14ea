"""A view of a large model that nobody has to load: made-up rows of all heads over 2,304 image tokens."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from vlmscope.viewer import Picture, View

SIDE = 48  # 2,304 image tokens
SIZE = (800, 1000)


def synthetic_view(layers: int) -> View:
    """A scene and its grid of heads.

    Args:
        layers: and as many heads in each.
    """
    rng = np.random.default_rng(0)
    cells = {
        "size": list(SIZE),
        "views": [
            {
                "name": "image",
                "y_edges": np.linspace(0, SIZE[0], SIDE + 1).tolist(),
                "x_edges": np.linspace(100, 900, SIDE + 1).tolist(),
            }
        ],
    }
    return View("Synthetic", "Made-up rows.", [_scene(cells, rng), _heads(layers, cells, rng)])


def _scene(cells: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    values = _blob(0.6, 0.6, 0.12)
    stream = io.BytesIO()
    noise = rng.integers(0, 255, (20, 25, 3), np.uint8)
    Image.fromarray(noise).resize(SIZE[::-1]).save(stream, "JPEG")
    return {
        "type": "scene",
        "id": "scene",
        "image": Picture(stream.getvalue(), "image/jpeg"),
        "size": list(SIZE),
        "title": "the red ball",
        "cells": cells,
        "map": values,
        "scale": [0.0, float(values.max())],
        "scale_note": "stretched to its own range",
        "seen": [100, 0, 900, 800],
        "box": [480, 380, 680, 580],
        "point": [580, 480],
        "mask": None,
        "instances": [],
        "score": 0.6,
        "score_note": "",
        "chance": None,
        "evidence": None,
        "warnings": [],
        "facts": [],
        "python": "",
        "command": "",
    }


def _heads(layers: int, cells: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    shape = (layers, layers)
    rows = np.stack([_blob(*rng.random(2), 0.03 + 0.2 * rng.random()) for _ in range(layers**2)])
    values = rng.random(shape).astype(np.float32)
    return {
        "type": "heads",
        "scene": "scene",
        "layers": layers,
        "heads": layers,
        "cells": cells,
        "rows": rows.astype(np.float16).reshape(*shape, -1),
        "scale": np.full(shape, 0.01, np.float32),
        "measures": [
            {"id": "mass", "name": "image mass", "unit": "", "text": "Made up.", "values": values}
        ],
        "chosen": [[0, 1], [1, 2]],
        "sinks": (np.arange(SIDE**2) % 500 == 0).astype(np.uint8),
        "rows_name": "made up",
        "note": "",
    }


def _blob(y: float, x: float, width: float) -> Any:
    at = (np.arange(SIDE) + 0.5) / SIDE
    far = (at[:, None] - y) ** 2 + (at[None] - x) ** 2
    return np.exp(-far / (2 * width**2)).astype(np.float32).ravel()
