"""What Python paints, for the viewer's tests."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.results.drawing import _blend
from vlmscope.types.views import View, paint_views
from vlmscope.viz.colours import COLORMAPS, colorize
from vlmscope.viz.pens import hatch_outside

__all__ = ["colourings", "hatchings", "paintings"]


def paintings() -> list[dict[str, Any]]:
    """Geometries of every kind, painted at their own size and at others."""
    geometries = {
        "whole": [_view(0, 0, 24, 20, 5, 6)],
        "padded beyond the image": [_view(-3.5, 0, 30, 20, 6, 7)],
        "cropped": [_view(2.2, 3.7, 19.4, 15.1, 4, 4)],
        "one cell": [_view(0, 0, 24, 20, 1, 1)],
        "one row": [_view(0, 0, 24, 20, 1, 9)],
        "thinner than a pixel": [_view(7.1, 4.6, 7.3, 4.9, 2, 2)],
        "outside": [_view(40, 0, 60, 20, 2, 2)],
        "tiles over a thumbnail": [
            _view(0, 0, 24, 20, 3, 3, "thumbnail"),
            _view(0, 0, 12, 20, 4, 3, "tiles"),
            _view(11.3, 2, 24, 16, 5, 5, "tiles"),
        ],
        "uneven edges": [_uneven()],
    }
    return [
        _painting(name, views, size, smoothing)
        for name, views in geometries.items()
        for size in ((20, 24), (33, 31))
        for smoothing in ("bilinear", "nearest")
    ]


def _view(
    x0: float, y0: float, x1: float, y1: float, rows: int, columns: int, name: str = "image"
) -> View:
    edges = np.linspace(y0, y1, rows + 1), np.linspace(x0, x1, columns + 1)
    return View(name, np.arange(rows * columns), *edges)


def _uneven() -> View:
    return View("image", np.arange(6), np.array([0, 3.3, 20.0]), np.array([0, 1.5, 17.25, 24.0]))


def _painting(
    name: str, views: list[View], size: tuple[int, int], smoothing: str
) -> dict[str, Any]:
    rng = np.random.default_rng(len(name) + size[0])
    grids = [rng.normal(size=view.grid).astype(np.float32) for view in views]
    scaled = [
        View(v.name, v.positions, v.y_edges * size[0] / 20, v.x_edges * size[1] / 24) for v in views
    ]
    painted = paint_views(scaled, [g.astype(float) for g in grids], size, smoothing)
    return {
        "name": f"{name}, {smoothing}, {size[0]} x {size[1]}",
        "cells": {
            "size": [20, 24],
            "views": [
                {"name": v.name, "y_edges": v.y_edges.tolist(), "x_edges": v.x_edges.tolist()}
                for v in views
            ],
        },
        "size": list(size),
        "smoothing": smoothing,
        "values": [round(float(v), 9) for grid in grids for v in grid.ravel()],
        "painted": _packed(painted.astype("<f4")),
    }


def colourings() -> dict[str, Any]:
    """Colours of values, and pictures that they cover."""
    values = np.linspace(-0.1, 1.1, 241)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 40, 3)).astype(float)
    heat = rng.random((6, 40))
    return {
        "values": values.tolist(),
        "colours": {name: colorize(values, name).ravel().tolist() for name in COLORMAPS},
        "pixels": pixels.ravel().tolist(),
        "heat": heat.ravel().tolist(),
        "blended": {
            str(alpha): np.rint(_blend(pixels, heat, alpha, "inferno")).ravel().tolist()
            for alpha in (0.0, 0.55, 1.0)
        },
    }


def hatchings() -> dict[str, Any]:
    """A picture of which the model saw a part."""
    pixels = np.random.default_rng(1).integers(0, 256, (30, 40, 3))
    seen = (3.2, 0.0, 35.5, 24.0)
    hatched = np.rint(hatch_outside(pixels.astype(float), seen))
    covered = _blend(pixels.astype(float), np.zeros((30, 40)), 0.55, "viridis")
    # the heat map of what was seen is a layer of its own in the viewer
    veiled = np.rint(hatch_outside(covered, seen))
    veiled[0:24, 3:35] = pixels[0:24, 3:35]
    return {
        "size": [30, 40],
        "seen": list(seen),
        "pixels": pixels.ravel().tolist(),
        "hatched": hatched.ravel().tolist(),
        "veiled": veiled.ravel().tolist(),
    }


def _packed(array: NDArray[np.generic]) -> str:
    return base64.b64encode(array.tobytes()).decode()
