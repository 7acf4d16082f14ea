"""Files are written whole or not at all, and JSON is read strictly."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vlmscope.errors import OutputError

__all__ = [
    "atomic_path",
    "is_file",
    "is_folder",
    "is_there",
    "parse_json",
    "write_bytes",
    "write_json",
    "write_text",
]

_MARK = "\ufeff"
_MOST_DIGITS = 310  # of a whole number; a float holds 309
_SHOWN = 30  # characters of a wrong number in a message


def is_there(path: Path) -> bool:
    """Whether something has this name; a name that no system takes, such as one too long, has nothing."""
    return _yes(path.exists)


def is_file(path: Path) -> bool:
    """Whether a file has this name, which may be one that no system takes."""
    return _yes(path.is_file)


def is_folder(path: Path) -> bool:
    """Whether a folder has this name, which may be one that no system takes."""
    return _yes(path.is_dir)


def _yes(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place only if the block succeeds.

    Parent folders are made.

    Raises:
        OutputError: when the place cannot be written, with the reason.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder")
        # the suffix stays last, so that writers which choose a format by it (Pillow) work
        temporary = target.with_name(f".{target.stem[:40]}-{secrets.token_hex(4)}{target.suffix}")
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {_reason(target, error)}. Choose a path you may write to."
        ) from error
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"Cannot write {target}: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _reason(target: Path, error: OSError) -> str:
    """Why a place is not to be had; of a file where a folder is needed systems say "File exists"."""
    blocking = next((place for place in target.parents if is_file(place)), None)
    if blocking is not None:
        return f"{blocking} is a file, not a folder"
    return error.strerror or str(error)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as strict, indented JSON to ``path``, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def parse_json(text: str) -> Any:
    """What a strict JSON text says; whatever Python would let pass and lose is refused.

    Raises:
        ValueError: no JSON; NaN or Infinity; a number beyond float; a key that occurs twice in an
            object; half a surrogate pair; nested too deeply; a byte order mark. The message is a
            clause without a full stop, such as ``the key 'a' occurs twice``.
    """
    if text.startswith(_MARK):  # at the beginning of a file its reader takes it off
        raise ValueError("it begins with a byte order mark, which may stand before a file alone")
    try:
        value = json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_without_repeats,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise ValueError(f"{error.msg} at {place}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if re.search(r"\\u[dD][89a-fA-F]", text):
        _check_surrogates(value)
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if abs(value) > sys.float_info.max:
        raise _too_large(digits)
    return value


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS or abs(value := int(digits)) > sys.float_info.max:
        raise _too_large(digits)
    return value


def _too_large(digits: str) -> ValueError:
    shown = digits if len(digits) <= _SHOWN else f"{digits[:_SHOWN]}..."
    return ValueError(f"the number {shown} is too large")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a key occur twice and keeps the last; the other value would be lost unseen."""
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key[:_SHOWN]!r} occurs twice")
        values[key] = value
    return values


def _check_surrogates(value: Any) -> None:
    """Half a pair is no character: it can be neither written to a file nor read by a tokenizer."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise ValueError(f"{half} is half of a surrogate pair, which is no character") from error
