"""The bundle inside a notebook's cell, compressed: a notebook keeps a whole viewer with every result.

A short script takes script and style apart in the browser and adds them to the page as elements. The page's
policy names the hashes of all three, so that nothing else runs: not even what decompressed to something else.
"""

from __future__ import annotations

import base64
import functools
import gzip

from vlmscope.viewer.bundle import Bundle

__all__ = ["LOADER", "compressed"]

LOADER = (
    "(async()=>{for(const packed of document.querySelectorAll('script[type=\"application/gzip\"]')){"
    "const bytes=Uint8Array.from(atob(packed.textContent),(letter)=>letter.charCodeAt(0));"
    'const stream=new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));'
    "const element=document.createElement(packed.dataset.element);"
    'if(packed.dataset.element==="script")element.type="module";'
    "element.textContent=await new Response(stream).text();"
    "document.head.append(element)}})()"
)
"""What takes the bundle apart; the style comes first, so that nothing is drawn without it."""


@functools.lru_cache(maxsize=2)
def compressed(bundle: Bundle) -> str:
    """The two elements that hold a bundle, and that no browser runs as they are."""
    parts = (("style", bundle.style), ("script", bundle.script))
    return "".join(_element(kind, text) for kind, text in parts)


def _element(kind: str, text: str) -> str:
    # no time in it: a result has the same cell whenever it is shown
    packed = gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)
    return (
        f'<script type="application/gzip" data-element="{kind}">'
        f"{base64.b64encode(packed).decode('ascii')}</script>"
    )
