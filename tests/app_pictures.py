"""Pictures as somebody would send them."""

from __future__ import annotations

import io

from PIL import Image

from vlmscope.tiny.world.scenes import render_scene

__all__ = ["encoded"]


def encoded(number: int = 0, kind: str = "png") -> bytes:
    """A rendered scene as it would lie in a file."""
    stream = io.BytesIO()
    Image.fromarray(render_scene(30_000_000 + number).image).save(stream, kind)
    return stream.getvalue()
