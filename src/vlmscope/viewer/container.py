"""The two parts of a view, document and blob, in one run of bytes: a ``.view`` file or a body of HTTP.

Eight bytes ``VLMSVIEW``, the version and the length of the document as little-endian uint32, the document
as UTF-8 JSON padded with spaces to a multiple of eight, then the blob of arrays (docs/view-format.md).
"""

from __future__ import annotations

import json
import struct
from typing import Any

from vlmscope.errors import BadViewError
from vlmscope.io import parse_json
from vlmscope.viewer.arrays import ALIGNMENT

__all__ = ["FORMAT", "MAGIC", "MIME", "VERSION", "check_document", "compact", "join", "part"]

FORMAT = "vlmscope-view"
"""What a document calls itself."""

VERSION = 1
"""Of the format; a reader refuses every other."""

MIME = "application/vnd.vlmscope.view"
"""The type of a ``.view`` file."""

MAGIC = b"VLMSVIEW"
"""With which such a file begins."""

_HEADER = struct.Struct("<8sII")


def compact(document: Any) -> str:
    """JSON without a needless space."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def join(document: Any, blob: bytes) -> bytes:
    """Document and blob as one run of bytes."""
    text = compact(document).encode("utf-8")
    text += b" " * (-len(text) % ALIGNMENT)
    return _HEADER.pack(MAGIC, VERSION, len(text)) + text + blob


def part(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Document and blob out of one run of bytes.

    Raises:
        BadViewError: no view, one of another version, or one that is cut short.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise BadViewError(
            f"This is no view: it does not begin with {MAGIC.decode()!r}. Give a .view file, or a page "
            "that vlmscope wrote."
        )
    if len(data) < _HEADER.size:
        raise _short(len(data), _HEADER.size)
    _, version, length = _HEADER.unpack_from(data)
    _check_version(version)
    end = _HEADER.size + length
    if len(data) < end:
        raise _short(len(data), end)
    return check_document(data[_HEADER.size : end]), data[end:]


def check_document(data: bytes) -> dict[str, Any]:
    """What a document says, which is JSON and calls itself a view of this version.

    Raises:
        BadViewError: it is not.
    """
    try:
        document = parse_json(data.decode("utf-8"))
    except ValueError as error:
        raise BadViewError(
            f"The document of the view is damaged: {error}. Write it again."
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadViewError(f'This is no view: its document does not say "format": "{FORMAT}".')
    _check_version(document.get("version"))
    for name in ("title", "lead"):
        if not isinstance(document.get(name), str):
            raise BadViewError(f"The document of the view is damaged: its {name} is no text.")
    return document


def _check_version(version: object) -> None:
    if version != VERSION:
        raise BadViewError(
            f"This view is of version {version!r} of its format; this vlmscope reads version {VERSION}. "
            "Write it again with this vlmscope, or read it with the one that wrote it."
        )


def _short(size: int, needed: int) -> BadViewError:
    return BadViewError(
        f"The view is cut short: it has {size} bytes and needs {needed} or more. Fetch or write it again."
    )
