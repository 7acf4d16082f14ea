"""The check that `make docs` runs on every built page: nothing may be loaded from the web."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _loads() -> ModuleType:
    path = ROOT / "docs" / "building" / "loads.py"
    spec = importlib.util.spec_from_file_location("docs_loads", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


LOADS = _loads()


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://example.org/a.js"></script>',
        '<script src="//example.org/a.js"></script>',
        '<link rel="stylesheet" href="https://example.org/a.css">',
        '<link rel="preconnect" href="https://example.org">',
        '<img src="HTTPS://example.org/a.png">',
        '<img srcset="a.png 1x, https://example.org/a.png 2x">',
        '<object data="https://example.org/a.svg"></object>',
        "<div style=\"background: url('https://example.org/a.png')\"></div>",
        '<pre class="mermaid"><code>graph LR</code></pre>',
        "<style>@import 'https://example.org/a.css';</style>",
        "<style>@font-face { src: url(//example.org/a.woff) }</style>",
    ],
)
def test_what_a_browser_would_fetch_is_found(page: str) -> None:
    assert len(LOADS.foreign_in_html(page)) == 1


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://example.org">a link to click on</a>',
        '<link rel="canonical" href="https://example.org/page.html">',
        '<script src="assets/a.js"></script><img src="images/a.png">',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        "<p>https://example.org/a.js</p>",
        "<style>a { background: url(data:image/svg+xml;base64,AAAA) }</style>",
    ],
)
def test_what_a_browser_would_not_fetch_is_left(page: str) -> None:
    assert LOADS.foreign_in_html(page) == []


def test_roles_of_docstrings_become_code() -> None:
    assert LOADS.plain_roles("<p>see :func:<code>~vlmscope.load</code></p>") == (
        "<p>see <code>vlmscope.load</code></p>"
    )


def test_every_public_name_is_in_the_reference_once() -> None:
    import vlmscope

    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    documented = [
        line.removeprefix("::: vlmscope.") for line in pages.splitlines() if "::: " in line
    ]
    assert sorted(documented) == sorted(vlmscope.__all__)
