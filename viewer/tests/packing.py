"""A second, plain packer of views, so that the reader is not tested against its own writer."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["BUNDLE", "Jpeg", "pack", "page"]

BUNDLE = Path(__file__).parents[2] / "src/vlmscope/viewer/bundle"


class Jpeg:
    """An encoded picture."""

    def __init__(self, data: bytes, mime: str = "image/jpeg") -> None:
        self.data = data
        self.mime = mime


def pack(title: str, lead: str, blocks: list[dict[str, Any]]) -> tuple[bytes, str, bytes]:
    """The packed file, and its two parts: the JSON and the blob."""
    arrays: list[dict[str, Any]] = []
    blob = bytearray()
    document = {
        "format": "vlmscope-view",
        "version": 1,
        "vlmscope": "0.0.0",
        "title": title,
        "lead": lead,
        "blocks": _taken(blocks, arrays, blob),
        "arrays": arrays,
    }
    text = json.dumps(document, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    head = b"VLMSVIEW" + struct.pack("<II", 1, len(text))
    return head + text + bytes(blob), text.decode(), bytes(blob)


def _taken(value: Any, arrays: list[dict[str, Any]], blob: bytearray) -> Any:
    if isinstance(value, dict):
        return {name: _taken(each, arrays, blob) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_taken(each, arrays, blob) for each in value]
    if isinstance(value, Jpeg):
        return _added(value.data, value.mime, [len(value.data)], arrays, blob)
    if isinstance(value, np.ndarray):
        shape = list(value.shape)
        return _added(np.ascontiguousarray(value).tobytes(), value.dtype.name, shape, arrays, blob)
    return value


def _added(
    data: bytes, dtype: str, shape: list[int], arrays: list[dict[str, Any]], blob: bytearray
) -> dict[str, int]:
    blob.extend(b"\0" * (-len(blob) % 8))
    arrays.append({"dtype": dtype, "shape": shape, "offset": len(blob), "bytes": len(data)})
    blob.extend(data)
    return {"$array": len(arrays) - 1}


def page(title: str, lead: str, blocks: list[dict[str, Any]]) -> str:
    """An HTML page with the shipped bundle inside, under the policy that real pages have."""
    _, text, blob = pack(title, lead, blocks)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    script = (BUNDLE / "viewer.js").read_text(encoding="utf-8")
    style = (BUNDLE / "viewer.css").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data: blob:"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body>"
        '<main id="vlmscope"></main>'
        f'<script type="application/json" id="vlmscope-document">{text}</script>'
        f'<script type="text/plain" id="vlmscope-arrays">{base64.b64encode(blob).decode()}</script>'
        f'<script type="module">{script}</script></body></html>\n'
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
