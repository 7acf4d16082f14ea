"""A static site of results: an index, a page for each, one viewer for all, and the data beside them.

It opens from any server of files. What was there is replaced only where an earlier call wrote all of it.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.errors import BadOptionError, OutputError
from vlmscope.io import is_folder, is_there, shown_path
from vlmscope.version import __version__
from vlmscope.viewer import Picture, View, shipped

__all__ = ["SITE", "SitePage", "write_site"]

SITE = "site.json"
"""The list of the files of a site, by which a later call knows it for its own."""

_FORMAT = "vlmscope-site/1"
_TAKEN = ("index", "viewer", "site", "style")
_LONGEST = 80  # characters of a name
_THUMBNAIL = (480, 360)  # pixels at most
_STYLE = """\
.v-site { max-width: 68rem; margin: 0 auto; padding: 1rem 1.5rem 0; }
.v-site-index { min-height: 100vh; padding: 2.5rem 1.5rem 4rem; }
.v-site-index > * { max-width: 68rem; margin-left: auto; margin-right: auto; }
.v-site-list { display: grid; gap: 1.2rem; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); }
.v-site-list img { display: block; width: 100%; height: 12rem; object-fit: cover; border-radius: 6px; }
.v-site-list a { display: block; height: 100%; padding: .8rem; border: 1px solid var(--line);
  border-radius: 8px; color: inherit; text-decoration: none; overflow-wrap: anywhere; }
.v-site-list b { display: block; margin-top: .5rem; }
body { margin: 0; background: Canvas; color-scheme: light dark; }
"""


@dataclass(frozen=True)
class SitePage:
    """A result on its way into a site.

    Attributes:
        name: of its files, without an ending.
        view: what is drawn.
        source: where it was read from.
    """

    name: str
    view: View = field(repr=False)
    source: Path


def write_site(
    results: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str], title: str = "Results"
) -> tuple[SitePage, ...]:
    """Put results together into a folder that is whole or absent.

    Args:
        results: ``.view`` files, or pages that vlmscope wrote.
        out: the folder; it does not exist, is empty, or holds a site that this function wrote.
        title: of the index.

    Returns:
        The pages in their order; two results of one name get numbers.

    Raises:
        BadOptionError: no result at all.
        BadViewError: a result that cannot be read; the message names it.
        OutputError: a folder that holds something else, or that cannot be written.
    """
    if not results:
        raise BadOptionError("There is nothing to put together: give one result at least.")
    target = Path(out)
    _check_own(target)
    pages = tuple(_named([Path(result) for result in results]))
    temporary = target.with_name(f".{target.name[:40]}-{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        _fill(temporary, pages, title)
        _put_in_place(temporary, target)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"Cannot write {shown_path(target)}: {reason}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return pages


def _named(places: Sequence[Path]) -> Iterator[SitePage]:
    """Every result with a name of its own, also where names do not tell upper case from lower."""
    taken = set(_TAKEN)
    for place in places:
        view = View.read(place)
        stem = place.stem if place.stem.lower() not in _TAKEN else view.title
        plain = re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII).strip("-.")[:_LONGEST] or "result"
        name, number = plain, 1
        while name.lower() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.lower())
        yield SitePage(name, view, place)


# -- files -----------------------------------------------------------------------------


def _fill(folder: Path, pages: Sequence[SitePage], title: str) -> None:
    bundle = shipped()
    _write(folder / "viewer.js", bundle.script)
    _write(folder / "viewer.css", bundle.style)
    _write(folder / "style.css", _STYLE)
    shown = []
    for page in pages:
        links = [("index.html", title), (f"{page.name}.view", "data")]
        _write(folder / f"{page.name}.html", page.view.linked(links))
        (folder / f"{page.name}.view").write_bytes(page.view.pack())
        thumbnail = _thumbnail(page.view)
        if thumbnail is not None:
            (folder / f"{page.name}.jpg").write_bytes(thumbnail)
        shown.append(_entry(page, thumbnail is not None))
    _write(folder / "index.html", _index(title, shown))
    files = sorted([each.name for each in folder.iterdir()] + [SITE])
    record = {"format": _FORMAT, "vlmscope": __version__, "title": title, "files": files}
    _write(folder / SITE, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _entry(page: SitePage, pictured: bool) -> str:
    title, lead = html.escape(page.view.title), html.escape(page.view.lead)
    picture = f'<img src="{page.name}.jpg" alt="">' if pictured else ""
    return f'<li><a href="{page.name}.html">{picture}<b dir="auto">{title}</b>{lead}</a></li>'


def _index(title: str, entries: Sequence[str]) -> str:
    name = html.escape(title)
    policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<title>{name}</title><link rel="stylesheet" href="viewer.css">'
        '<link rel="stylesheet" href="style.css"></head>'
        f'<body><main class="vlmscope v-site-index"><h1 dir="auto">{name}</h1>'
        f'<ul class="v-site-list">{"".join(entries)}</ul>'
        f"<p>Made with vlmscope {__version__}.</p></main></body></html>\n"
    )


def _thumbnail(view: View) -> bytes | None:
    """The first picture that can be drawn, small, as a JPEG; None where there is none."""
    for picture in _pictures(list(view.blocks)):
        try:
            with Image.open(io.BytesIO(picture.data)) as opened:
                shown = opened.convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        shown.thumbnail(_THUMBNAIL)
        stream = io.BytesIO()
        shown.save(stream, "JPEG", quality=82)
        return stream.getvalue()
    return None


def _pictures(value: Any) -> Iterator[Picture]:
    if isinstance(value, Picture):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _pictures(each)
    elif isinstance(value, list):
        for each in value:
            yield from _pictures(each)


# -- the place -------------------------------------------------------------------------


def _check_own(target: Path) -> None:
    """Refuse a place where something lies that no earlier call wrote."""
    if not is_there(target):
        return
    if not is_folder(target):
        raise OutputError(f"{shown_path(target)} is a file. Give a folder for the site.")
    names = {each.name for each in target.iterdir()}
    foreign = sorted(names - _files_of(target))
    if foreign:
        raise OutputError(
            f"{shown_path(target)} holds {foreign[0]!r}, which is of no site that vlmscope wrote. Choose "
            "another folder."
        )


def _files_of(target: Path) -> set[str]:
    """The files that an earlier call put there."""
    try:
        record = json.loads((target / SITE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return set()
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        return set()
    files = record.get("files")
    return {str(name) for name in files} if isinstance(files, list) else set()


def _put_in_place(temporary: Path, target: Path) -> None:
    """The new folder takes the name; what had it goes once it does."""
    if not target.exists():
        temporary.rename(target)
        return
    earlier = temporary.with_name(f"{temporary.name}-earlier")
    target.rename(earlier)
    try:
        temporary.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
