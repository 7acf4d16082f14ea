"""A view as one page of HTML that asks for nothing, and as the frame of a notebook's cell."""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
from collections.abc import Iterable
from typing import Any

from vlmscope.errors import BadViewError
from vlmscope.version import __version__
from vlmscope.viewer.bundle import NAMES, Bundle
from vlmscope.viewer.compressed import LOADER, compressed
from vlmscope.viewer.container import check_document, compact

__all__ = ["frame", "linked_page", "page", "read_page"]

_DOCUMENT, _ARRAYS = "vlmscope-document", "vlmscope-arrays"

# as characters they could end the element or begin a comment; JSON may write any of them so
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}

# In a notebook the frame lies over the card. Until the viewer has drawn, and where it never will because
# scripts do not run, the frame lets the card through.
_FRAMED = (
    "html:not(:has(#vlmscope>*)),html:not(:has(#vlmscope>*)) body"
    "{background:transparent!important;color-scheme:normal!important}"
    "html:has(#vlmscope>*){background:Canvas}"
)
_FRAME_HEIGHT = "36rem"
_MAIN = '<main id="vlmscope"></main>'


def page(document: dict[str, Any], blob: bytes, bundle: Bundle) -> str:
    """A page with document, arrays, script and style inside."""
    head = _policy(f"script-src {_hashes([bundle.script])}", f"style-src {_hashes([bundle.style])}")
    head += f"<style>{bundle.style}</style>"
    script = f'<script type="module">{bundle.script}</script>'
    body = f"{_MAIN}{_without_script(document)}{_data(document, blob)}{script}"
    return _html(document, head, body)


def frame(document: dict[str, Any], blob: bytes, bundle: Bundle, fallback: str) -> str:
    """HTML for a notebook's cell: a card, and over it a frame with such a page, its bundle compressed.

    Where a site takes frames out, or runs no scripts in them, the card is seen.

    Args:
        document, blob, bundle: as for a page.
        fallback: HTML that needs neither script nor style sheet, from :func:`vlmscope.markup.card`.
    """
    inside = html.escape(_framed(document, blob, bundle), quote=True)
    title = html.escape(document["title"], quote=True)
    cell = "grid-area:1/1;min-width:0"
    return (
        f'<div style="display:grid"><div style="{cell}">{fallback}</div>'
        f'<iframe sandbox="allow-scripts allow-downloads" title="{title}" loading="lazy" '
        f'style="{cell};position:relative;z-index:1;border:0;width:100%;height:100%;'
        f'min-height:{_FRAME_HEIGHT}" '
        f'srcdoc="{inside}"></iframe></div>'
    )


def _framed(document: dict[str, Any], blob: bytes, bundle: Bundle) -> str:
    scripts, styles = _hashes([LOADER, bundle.script]), _hashes([_FRAMED, bundle.style])
    head = _policy(f"script-src {scripts}", f"style-src {styles}")
    head += f"<style>{_FRAMED}</style>"
    script = f"{compressed(bundle)}<script>{LOADER}</script>"
    return _html(document, head, f"{_MAIN}{_data(document, blob)}{script}")


def _data(document: dict[str, Any], blob: bytes) -> str:
    """The two elements that hold what is drawn."""
    text = compact(document).translate(_ESCAPES)
    arrays = base64.b64encode(blob).decode("ascii")
    return (
        f'<script type="application/json" id="{_DOCUMENT}">{text}</script>'
        f'<script type="text/plain" id="{_ARRAYS}">{arrays}</script>'
    )


def linked_page(document: dict[str, Any], blob: bytes, links: Iterable[tuple[str, str]]) -> str:
    """A page of a site, beside whose file lie ``viewer.js`` and ``viewer.css``.

    Args:
        document, blob: as for a page.
        links: (address, text) of other files of the site, for the line on top.
    """
    script, style = NAMES
    policy = _policy("script-src 'self'", "style-src 'self'")
    head = f'{policy}<link rel="stylesheet" href="{style}">'
    line = " · ".join(
        f'<a href="{html.escape(address, quote=True)}">{html.escape(text)}</a>'
        for address, text in links
    )
    body = f"{_MAIN}{_without_script(document)}{_data(document, blob)}"
    script = f'<script type="module" src="{script}"></script>'
    return _html(document, head, f'<nav class="vlmscope v-site">{line}</nav>{body}{script}')


def _html(document: dict[str, Any], head: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="vlmscope {__version__}">'
        f"<title>{html.escape(document['title'])}</title>{head}</head><body>{body}</body></html>\n"
    )


def _policy(*sources: str) -> str:
    """Nothing is fetched, and no script or style runs but what was put in."""
    rules = "; ".join(("default-src 'none'", *sources, "img-src data: blob:", "base-uri 'none'"))
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode("utf-8")).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(each).decode('ascii')}'" for each in digests)


def _without_script(document: dict[str, Any]) -> str:
    title, lead = html.escape(document["title"]), html.escape(document["lead"])
    return f"<noscript><h1>{title}</h1><p>{lead}</p><p>This page needs script to be drawn.</p></noscript>"


def read_page(text: str) -> tuple[dict[str, Any], bytes]:
    """Document and blob of a page.

    Raises:
        BadViewError: a page that holds no view, or a damaged one.
    """
    document, arrays = _element(text, _DOCUMENT), _element(text, _ARRAYS)
    if document is None:
        raise BadViewError(
            "This page holds no view: it was written by another program, or by a vlmscope before 0.2. "
            "Write it again with this vlmscope."
        )
    if arrays is None:
        raise BadViewError(
            "The page is cut short: its arrays are missing. Fetch or write it again."
        )
    try:
        blob = base64.b64decode(arrays, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadViewError(
            f"The arrays of the page are damaged: {error}. Write it again."
        ) from error
    return check_document(document.encode("utf-8")), blob


def _element(text: str, name: str) -> str | None:
    """The text of the script element of this id; nothing that it may hold looks like its end."""
    match = re.search(rf'<script type="[a-z/]+" id="{name}">([^<]*)</script>', text)
    return None if match is None else match.group(1)
