"""What is done to the site beside mkdocs: roles in docstrings are shown plainly, and nothing may load.

A page that asks the web for a script, a font or a picture tells others who reads it, and is broken
without a connection; links that a reader follows are fine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loads import foreign_in_css, foreign_in_html, plain_roles
from mkdocs.exceptions import PluginError

__all__ = ["on_page_content", "on_post_build"]


def on_page_content(html: str, **_: Any) -> str:
    """Called by mkdocs for every page."""
    return plain_roles(html)


def on_post_build(config: Any, **_: Any) -> None:
    """Called by mkdocs when the site is written.

    Raises:
        PluginError: a page or style sheet that loads anything from the web.
    """
    site = Path(config["site_dir"])
    found = [
        f"{path.relative_to(site)}: {what}"
        for pattern, reader in (("*.html", foreign_in_html), ("*.css", foreign_in_css))
        for path in sorted(site.rglob(pattern))
        for what in reader(path.read_text(encoding="utf-8"))
    ]
    if found:
        listed = "\n  ".join(found)
        raise PluginError(f"The site loads from the web; keep it in docs/ instead:\n  {listed}")
