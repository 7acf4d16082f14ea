"""Views read back out of what is written: pages, and frames in the HTML of a notebook."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.viewer import View
from vlmscope.viewer.page import read_page

__all__ = [
    "blocks_of",
    "captions_of",
    "page_view",
    "pictures_of",
    "strings",
    "view_in",
    "words_of",
]


def page_view(page: str | Path) -> View:
    """The view of a page's text, or of the page at a place."""
    text = page.read_text(encoding="utf-8") if isinstance(page, Path) else page
    document, blob = read_page(text)
    return View._of(document, blob)


def view_in(cell: str) -> View:
    """The view in the frame of a notebook's cell."""
    (inside,) = re.findall(r'srcdoc="([^"]*)"', cell)
    return page_view(html.unescape(inside))


def blocks_of(view: View, kind: str) -> list[dict[str, Any]]:
    """The blocks of one type, in order."""
    return [dict(block) for block in view.blocks if block["type"] == kind]


def strings(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings(each)


def words_of(page: str | Path | View) -> str:
    """All that a page says, one text a line."""
    view = page if isinstance(page, View) else page_view(page)
    return "\n".join((view.title, view.lead, *strings(list(view.blocks))))


def pictures_of(view: View) -> list[Image.Image]:
    """Every encoded picture of blocks of pictures, in order."""
    return [
        Image.open(io.BytesIO(item["image"].data))
        for block in blocks_of(view, "pictures")
        for item in block["items"]
    ]


def captions_of(view: View) -> list[tuple[str, str]]:
    """Title and text of every picture, in order."""
    items = [item for block in blocks_of(view, "pictures") for item in block["items"]]
    return [(item["title"], item["text"]) for item in items]
