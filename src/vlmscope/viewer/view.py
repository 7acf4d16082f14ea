"""A result as the viewer draws it: a title, a sentence, and blocks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.errors import BadOptionError, BadViewError
from vlmscope.io import missing_file, shown_path, unread, write_bytes, write_text
from vlmscope.version import __version__
from vlmscope.viewer.arrays import put_back, take_out
from vlmscope.viewer.bundle import Bundle, shipped
from vlmscope.viewer.container import FORMAT, VERSION, join, part
from vlmscope.viewer.page import frame, linked_page, page, read_page

__all__ = ["SUFFIXES", "View"]

SUFFIXES = (".html", ".htm", ".view")
"""Ends of names by which :meth:`View.write` chooses."""

_LOOK = 100  # bytes in which a page's first character stands


@dataclass(frozen=True, eq=False)
class View:
    """What a viewer draws (docs/view-format.md).

    Attributes:
        title: one line.
        lead: one sentence: what was found.
        blocks: dictionaries with a ``type`` each; their values are text, numbers, lists and
            dictionaries of them, arrays (float16, float32, uint8, int32) and :class:`Picture`.
    """

    title: str
    lead: str = ""
    blocks: Sequence[Mapping[str, Any]] = field(default=(), repr=False)

    def pack(self) -> bytes:
        """The view as the bytes of a ``.view`` file.

        Raises:
            BadOptionError: a block with a value that no view can hold.
        """
        return join(*self._parts())

    @classmethod
    def unpack(cls, data: bytes) -> View:
        """A view out of the bytes of a ``.view`` file.

        Raises:
            BadViewError: no view, another version, cut short, or arrays that do not fit.
        """
        return cls._of(*part(data))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> View:
        """A view out of a ``.view`` file, or out of a page that :meth:`write` wrote.

        Raises:
            BadViewError: nothing there, or neither of both; the message names the file.
        """
        place = Path(path)
        missing = missing_file(place, "view")
        if missing is not None:
            raise BadViewError(f"{missing} Give a .view file, or a page that vlmscope wrote.")
        try:
            data = place.read_bytes()
            if data[:_LOOK].lstrip().startswith(b"<"):
                return cls._of(*read_page(data.decode("utf-8")))
            return cls.unpack(data)
        except (OSError, UnicodeDecodeError) as error:
            raise BadViewError(f"Cannot read {shown_path(place)}: {unread(error)}.") from error
        except BadViewError as error:
            raise BadViewError(f"{shown_path(place)}: {error}") from error

    def html(self, bundle: Bundle | None = None) -> str:
        """One page that asks for nothing: script, style, pictures and arrays are inside.

        Args:
            bundle: what draws it; default: the one that is shipped.
        """
        return page(*self._parts(), bundle or shipped())

    def linked(self, links: Iterable[tuple[str, str]]) -> str:
        """A page of a site, beside whose file lie ``viewer.js`` and ``viewer.css``.

        Args:
            links: (address, text) of other files of the site, for the line on top.
        """
        return linked_page(*self._parts(), links)

    def inline(self, fallback: str, bundle: Bundle | None = None) -> str:
        """HTML for the cell of a notebook.

        Args:
            fallback: HTML that is seen where no frame or no script is allowed.
            bundle: as for :meth:`html`.
        """
        return frame(*self._parts(), bundle or shipped(), fallback)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a page (``.html``, ``.htm``) or the packed bytes (``.view``), whole or not at all.

        Raises:
            BadOptionError: a name with another end.
            OutputError: when the place cannot be written.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in SUFFIXES:
            raise BadOptionError(
                f"A view is written to a name that ends in {' or '.join(SUFFIXES)}, got "
                f"{shown_path(path)!r}."
            )
        if suffix == ".view":
            write_bytes(path, self.pack())
        else:
            write_text(path, self.html())

    def _parts(self) -> tuple[dict[str, Any], bytes]:
        """Document and blob."""
        head = {"title": self.title, "lead": self.lead}
        (named, *plain), entries, blob = take_out([head, *self.blocks])
        document = {
            "format": FORMAT,
            "version": VERSION,
            "vlmscope": __version__,
            **named,
            "blocks": plain,
            "arrays": entries,
        }
        return document, blob

    @classmethod
    def _of(cls, document: dict[str, Any], blob: bytes) -> View:
        blocks = put_back(document.get("blocks"), document.get("arrays"), blob)
        return cls(document["title"], document["lead"], blocks)
