"""Word lists as people save them: a text file in whatever encoding, line by line."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.io import shown_path

__all__ = ["TextFile", "text_lines"]

_MAX_BYTES = 8 << 20

_NAMES = {"cp1252": "Windows-1252"}

# the longer mark first: UTF-16's is the beginning of UTF-32's
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def text_lines(text: str) -> list[str]:
    """Lines end with a line feed, with or without a carriage return before it.

    The other separators of Unicode (U+2028, U+0085, form feed ...) are part of a line: people paste
    them along, and an editor shows no new line there. Carriage returns end lines by themselves only
    where there is no line feed at all, as spreadsheets on a Mac still export it.
    """
    if "\n" not in text:
        return text.split("\r")
    return [line.removesuffix("\r") for line in text.split("\n")]


@dataclass(frozen=True)
class TextFile:
    """The lines of a file.

    Attributes:
        lines: as they are, blank ones too.
        notes: how it was read, where that was a guess.
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        kind: str,
        advice: str,
        error: type[BadPhraseError | BadOptionError] = BadPhraseError,
    ) -> TextFile:
        """Read a file.

        A byte order mark decides; without one the file is UTF-8, or else Windows-1252, which a note
        says together with the first line that depends on it.

        Args:
            path: of the file.
            kind: what it is called in messages.
            advice: what to give instead of a file that cannot be read.
            error: what is raised.

        Raises:
            BadPhraseError: or ``error``: no such file, a folder, not readable, or no text.
        """
        source = Path(path)
        try:
            data = _bytes(source)
            text, notes = _decoded(data, source)
        except OSError as failure:
            reason = failure.strerror or failure
            raise error(
                f"Cannot read the {kind} {shown_path(source)!r}: {reason}. {advice}"
            ) from failure
        except ValueError as failure:  # a path with a zero byte, too
            reason = str(failure).removesuffix(".")
            raise error(f"Cannot read the {kind} {shown_path(source)!r}: {reason}.") from failure
        return cls(tuple(text_lines(text)), notes)


def _bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise ValueError(
            f"it has {size:,} bytes, the limit is {_MAX_BYTES:,}, so it is hardly a list of words."
        )
    return path.read_bytes()


def _decoded(data: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _text(data, encoding), ()
    if b"\0" in data:
        raise ValueError(
            "it is no text in a known encoding (it holds zero bytes). Save it as UTF-8."
        )
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        text = _text(data, "cp1252")
        number = data.count(b"\n", 0, error.start)
        return text, (
            f"{path} is not UTF-8 and was read as Windows-1252; line {number + 1} is "
            f"{text_lines(text)[number].strip()!r}. If that looks wrong, save the file as UTF-8.",
        )


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} is 0x{data[error.start]:02x}"
        known = _NAMES.get(encoding) or encoding.removesuffix("-sig").upper()
        raise ValueError(f"it is not valid {known}: {byte}. Save it as UTF-8.") from error
