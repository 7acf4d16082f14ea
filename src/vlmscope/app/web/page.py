"""The page, and the viewer's two files."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from vlmscope.app.refusal import Refusal
from vlmscope.errors import UnsupportedError
from vlmscope.viewer import Bundle, shipped

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="vlmscope-app" content="api/">
<title>vlmscope</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="viewer.css?{style}">
<script type="module" src="viewer.js?{script}"></script>
</head><body><main id="vlmscope"></main>
<noscript><h1>vlmscope</h1><p>This page needs script to be drawn.</p></noscript>
</body></html>
"""


@router.get("/")
async def page(request: Request) -> HTMLResponse:
    """The page; its files are asked for by their digests, so that a new version is never an old one."""
    bundle = _bundle()
    text = _PAGE.format(style=_digest(bundle.style), script=_digest(bundle.script))
    return HTMLResponse(text, headers={"cache-control": _ASK_FIRST})


@router.get("/viewer.js")
async def script(request: Request) -> Response:
    """The viewer."""
    return _file(request, _bundle().script, "text/javascript")


@router.get("/viewer.css")
async def style(request: Request) -> Response:
    """Its style."""
    return _file(request, _bundle().style, "text/css")


def _file(request: Request, text: str, kind: str) -> Response:
    digest = _digest(text)
    tag = f'"{digest}"'
    is_named = request.url.query == digest
    headers: dict[str, Any] = {"etag": tag, "cache-control": _FOR_EVER if is_named else _ASK_FIRST}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=kind, headers=headers)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def _bundle() -> Bundle:
    try:
        return shipped()
    except UnsupportedError as error:
        raise Refusal(503, "no-viewer", str(error)) from error
