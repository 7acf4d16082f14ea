"""Writes tests/fixtures/: what Python says, for the viewer's tests to compare with.

    PYTHONPATH=../src python tests/make_fixtures.py

Run it again after a change of the Python functions; the files are committed, so that the tests of
the viewer need no Python.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from packing import Jpeg, pack
from pictures import colourings, hatchings, paintings

FOLDER = Path(__file__).parent / "fixtures"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, value in fixtures().items():
        (FOLDER / name).write_text(json.dumps(value) + "\n", encoding="utf-8")


def fixtures() -> dict[str, Any]:
    """What each file holds."""
    return {
        "container.json": _container(),
        "float16.json": _float16(),
        "paint.json": paintings(),
        "colours.json": colourings(),
        "hatch.json": hatchings(),
    }


def _container() -> dict[str, Any]:
    """A packed view with one array of every type, and what is in them."""
    arrays = {
        "half": np.array([[0.5, -2.0, 65504.0], [6e-8, 0.0, 1 / 3]], np.float16),
        "single": np.array([1 / 3, -1e30], np.float32),
        "byte": np.array([0, 255, 7], np.uint8),
        "integer": np.array([-5, 2**31 - 1], np.int32),
    }
    blocks = [{"type": "text", "text": "é שלום <b>", "__proto__": {"polluted": 1}, **arrays}]
    blocks.append({"type": "text", "text": "picture", "deep": [{"image": Jpeg(b"\xff\xd8\xff")}]})
    packed, text, blob = pack("Title", "Lead", blocks)
    return {
        "packed": base64.b64encode(packed).decode(),
        "json": text,
        "blob": base64.b64encode(blob).decode(),
        "values": {
            name: array.astype(np.float64).ravel().tolist() for name, array in arrays.items()
        },
    }


def _float16() -> dict[str, Any]:
    """All values of half precision as float32, little endian, in the order of their bits."""
    with np.errstate(invalid="ignore"):
        values = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype("<f4")
    # 256 kB are too many to commit: their digest over canonical NaNs, and every 97th value
    values[np.isnan(values)] = np.float32("nan")
    sampled = [None if np.isnan(v) else repr(float(v)) for v in values[::97]]
    return {"sum": str(_checksum(values)), "every97th": sampled}


def _checksum(values: np.ndarray) -> int:
    """FNV-1a over the bytes, 32 bits: easily written again in another language."""
    state = 0x811C9DC5
    for byte in values.tobytes():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    return state


if __name__ == "__main__":
    main()
