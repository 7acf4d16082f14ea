"""What a built page would load from elsewhere, and docstrings' roles in plain words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["foreign_in_css", "foreign_in_html", "plain_roles"]

_ROLE = re.compile(r":(?:func|class|data|attr|meth|mod|exc):<code>~?")
_CSS_URL = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s;]+)""", re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?:^|[\s,])(?:https?:)?//", re.IGNORECASE)
# links that a browser does not follow by itself
_HARMLESS = frozenset({"canonical", "author", "license", "prev", "next"})


class _Loads(HTMLParser):
    """Collects what a browser would fetch on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "mermaid" in given.get("class", "").split():  # the theme fetches a script to draw it
            self.found.append(f"<{tag} class='mermaid'>")
        self.found += foreign_in_css(given.get("style", ""))
        if tag == "a" or (tag == "link" and set(given.get("rel", "").split()) <= _HARMLESS):
            return
        for name in ("src", "href", "srcset", "data", "poster"):
            if _ELSEWHERE.search(given.get(name, "")):
                self.found.append(f"<{tag} {name}={given[name]!r}>")


def foreign_in_html(text: str) -> list[str]:
    """What a page would load from elsewhere, as it stands there; links to click on are fine."""
    reader = _Loads()
    reader.feed(text)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
    return [*reader.found, *(url for style in styles for url in foreign_in_css(style))]


def foreign_in_css(text: str) -> list[str]:
    """Addresses that a style sheet would load from elsewhere."""
    return _CSS_URL.findall(text)


def plain_roles(html: str) -> str:
    """Code in place of reStructuredText's roles, which docstrings use and Markdown does not know."""
    return _ROLE.sub("<code>", html)
