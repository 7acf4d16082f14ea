"""A page that needs nothing else: no script, no request, plots and pictures inside."""

from __future__ import annotations

import html
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PIL import Image

from vlmscope.io import write_text
from vlmscope.markup import cell, data_uri
from vlmscope.version import __version__

__all__ = ["Page", "Photo"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff;
  --line: #d8dee4; --mark: #fff4d6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9aa4af; --paper: #14181d; --line: #30363d; --mark: #3a3113; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2.5rem 1.5rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 46rem; }
.lead { font-size: 1.1rem; color: var(--soft); }
.note { border-left: 3px solid #b58900; background: var(--mark); padding: .5rem .9rem;
  max-width: 46rem; }
figure { margin: 1.2rem 0; overflow-x: auto; }
figure > svg, figure > img { display: block; max-width: 100%; height: auto; background: #fff;
  border-radius: 6px; }
figure > svg { max-width: max(100%, 30rem); }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .4rem; max-width: 46rem; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.row figure { margin: .4rem 0; }
.gallery { display: grid; gap: 1rem; margin: .8rem 0 1.4rem;
  grid-template-columns: repeat(auto-fill, minmax(min(12rem, 44%), 1fr)); }
.gallery figure { margin: 0; overflow: visible; }
.gallery img { width: 100%; max-width: 20rem; }
.gallery figcaption { font-size: .84rem; line-height: 1.35; }
.gallery b { display: block; color: var(--ink); font-weight: 600; }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
dl { display: grid; grid-template-columns: minmax(7rem, 15rem) 1fr; gap: .25rem 1rem; margin: .5rem 0;
  font-size: .92rem; max-width: 58rem; }
dt { color: var(--soft); }
dd { margin: 0; white-space: pre-wrap; min-width: 0; }
@media (max-width: 600px) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .28rem .8rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, .words { text-align: left; }
td:not(.words) { white-space: nowrap; }
td.words { min-width: 6rem; }
td.words:first-child { min-width: 9rem; }
td.words:last-child { min-width: 10rem; }
th:first-child, td:first-child { padding-left: 0; }
.scroll + .scroll { margin-top: 1.6rem; }
th { color: var(--soft); font-weight: 600; }
.columns { color: var(--soft); font-size: .9rem; }
pre { background: color-mix(in srgb, var(--ink) 6%, transparent); padding: .8rem 1rem;
  overflow-x: auto; border-radius: 6px; font-size: .86rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 600px) { body { padding: 1.5rem 1rem 3rem; } }
"""


@dataclass(frozen=True)
class Photo:
    """A picture that is encoded already.

    Attributes:
        data: a JPEG.
        size: (width, height) in pixels.
        title: what it is of.
        text: what is to know of it.
    """

    data: bytes = field(repr=False)
    size: tuple[int, int]
    title: str
    text: str


class Page:
    """A report under construction; every text is escaped as it comes in.

    Args:
        title: of the page.
        lead: one sentence: what was found.
    """

    def __init__(self, title: str, lead: str) -> None:
        self._title = title
        self._parts = [f"<h1>{html.escape(title)}</h1>", f'<p class="lead">{html.escape(lead)}</p>']

    def heading(self, text: str) -> None:
        """A new section."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def subheading(self, text: str) -> None:
        """A part of a section."""
        self._parts.append(f"<h3>{html.escape(text)}</h3>")

    def text(self, text: str) -> None:
        """A paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def caveat(self, text: str) -> None:
        """A paragraph that must not be overlooked."""
        self._parts.append(f'<p class="note">{html.escape(text)}</p>')

    def code(self, text: str) -> None:
        """Commands or settings, as they are typed."""
        self._parts.append(f"<pre>{html.escape(text)}</pre>")

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = ""
    ) -> None:
        """A table; floats with three digits, None as a dash, columns with words to the left.

        Args:
            columns: their titles.
            rows: of values.
            note: a line beneath that explains the columns.
        """
        cells = [[cell(value) for value in row] for row in rows]
        kinds = [
            ' class="words"' if any(_is_word(row[index]) for row in cells) else ""
            for index in range(len(columns))
        ]
        head = _row("th", columns, kinds)
        body = "".join(_row("td", row, kinds) for row in cells)
        self._parts.append(
            f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
        )
        if note:
            self._parts.append(f'<p class="columns">{html.escape(note)}</p>')

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names with what is said of each, long or short."""
        inside = "".join(
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in pairs
        )
        self._parts.append(f"<dl>{inside}</dl>")

    def plot(self, svg: str, caption: str = "") -> None:
        """A plot from :mod:`vlmscope.report.plots`."""
        self._parts.append(_figure(svg, caption))

    def pictures(self, images: Sequence[tuple[Image.Image, str]]) -> None:
        """Pictures beside one another, each with its caption."""
        figures = "".join(_figure(_img(image, text), text) for image, text in images)
        self._parts.append(f'<div class="row">{figures}</div>')

    def gallery(self, photos: Sequence[Photo]) -> None:
        """Small pictures in as many columns as fit."""
        figures = "".join(map(_photo, photos))
        self._parts.append(f'<div class="gallery">{figures}</div>')

    def html(self) -> str:
        """The whole page."""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self._title)}</title><style>{_STYLE}</style></head>"
            f"<body>{''.join(self._parts)}"
            f"<footer>Made with vlmscope {__version__}.</footer></body></html>\n"
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all.

        Raises:
            OutputError: when the place cannot be written.
        """
        write_text(path, self.html())


def _is_word(cell: str) -> bool:
    """Whether a cell begins with a letter: figures, intervals and dashes do not."""
    return re.match(r"[^\W\d_]", cell) is not None


def _row(tag: str, cells: Sequence[str], kinds: Sequence[str]) -> str:
    inside = "".join(
        f"<{tag}{kind}>{html.escape(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True)
    )
    return f"<tr>{inside}</tr>"


def _figure(inside: str, caption: str) -> str:
    label = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{inside}{label}</figure>"


def _img(image: Image.Image, text: str) -> str:
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "PNG", optimize=True)
    size = f'width="{image.width}" height="{image.height}"'
    address = data_uri(stream.getvalue())
    return f'<img alt="{html.escape(text, quote=True)}" {size} src="{address}">'


def _photo(photo: Photo) -> str:
    title, text = html.escape(photo.title, quote=True), html.escape(photo.text)
    size = f'width="{photo.size[0]}" height="{photo.size[1]}"'
    address = data_uri(photo.data, "image/jpeg")
    caption = f"<figcaption><b>{title}</b>{text}</figcaption>"
    return f'<figure><img alt="{title}" {size} src="{address}">{caption}</figure>'
