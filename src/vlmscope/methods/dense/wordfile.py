"""Text files that people write: UTF-8 if it is, what Windows saves if it is not, never a guess unsaid."""

from __future__ import annotations

import codecs
from pathlib import Path

from vlmscope.errors import BadPhraseError

__all__ = ["read_text"]

_MAX_BYTES = 8 << 20
# the longer mark first: UTF-16's is the beginning of UTF-32's
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and notes on how it was read.

    A byte order mark decides; without one the file is UTF-8, or else Windows-1252, which a note
    says together with the first line that depends on it.

    Raises:
        BadPhraseError: no such file, a folder, not readable, or no text.
    """
    data = _bytes(path)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding, path), ()
    if b"\0" in data:
        raise BadPhraseError(
            f"The class file {path} is no text in a known encoding (it holds zero bytes). "
            "Save it as UTF-8."
        )
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        text = _decoded(data, "cp1252", path)
        number = data.count(b"\n", 0, error.start)
        line = text.splitlines()[number] if number < len(text.splitlines()) else ""
        return text, (
            f"{path} is not UTF-8 and was read as Windows-1252; line {number + 1} is "
            f"{line.strip()!r}. If that looks wrong, save the file as UTF-8.",
        )


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise BadPhraseError(
                f"The class file {path} has {size:,} bytes, the limit is {_MAX_BYTES:,}. Is it "
                "the right file?"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, BadPhraseError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise BadPhraseError(
            f"Cannot read the class file {str(path)!r}: {reason}. Give a text file with one class "
            "per line, or the classes themselves: a,b,c."
        ) from error


def _decoded(data: bytes, encoding: str, path: Path) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadPhraseError(
            f"The class file {path} is not valid {encoding}: byte {error.start} is "
            f"0x{data[error.start]:02x}. Save it as UTF-8."
        ) from error
