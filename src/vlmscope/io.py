"""Files are written whole or not at all, and JSON is read strictly."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vlmscope.errors import OutputError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "atomic_path",
    "home_folder",
    "is_file",
    "is_folder",
    "is_there",
    "missing_file",
    "parse_json",
    "shown_path",
    "unread",
    "write_bytes",
    "write_json",
    "write_text",
]

_MARK = "\ufeff"
_MOST_DIGITS = 310  # of a whole number; a float holds 309
_GZIP = b"\x1f\x8b"
_LONGEST = 300  # characters of a path in a message
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


def home_folder() -> Path:
    """What is kept between calls lies here: ``$VLMSCOPE_HOME``, else where the system keeps users' data."""
    named = os.environ.get("VLMSCOPE_HOME")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "vlmscope"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/vlmscope"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "vlmscope"


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place only if the block succeeds.

    Parent folders are made. A process that is killed leaves the temporary file: a hidden one, which
    the next writer of ``path`` takes over.

    Raises:
        OutputError: when the place cannot be written, with the reason.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder")
        temporary, lock = _begin(target)
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {_reason(target, error)}. Choose a path you may write to."
        ) from error
    placed = False
    try:
        yield temporary
        temporary.replace(target)
        placed = True
    except OSError as error:
        raise OutputError(f"Cannot write {target}: {error.strerror or error}.") from error
    finally:
        if not placed:  # once it is in place, its name may be another writer's
            temporary.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


def _begin(target: Path) -> tuple[Path, int | None]:
    """An empty temporary file, and the descriptor that locks it.

    Its name follows from the target's, so that what a killed process left is found again without a
    look through the folder. While another process writes the same target, and where files cannot be
    locked, the name is one of chance.
    """
    usual = _beside(target, hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8])
    lock = _lock(usual)
    if lock is not None:
        return usual, lock
    other = _beside(target, secrets.token_hex(4))
    other.touch(exist_ok=False)
    return other, None


def _beside(target: Path, mark: str) -> Path:
    # the suffix stays last, so that writers which choose a format by it (Pillow) work
    return target.with_name(f".{target.stem[:40]}-{mark}{target.suffix}")


def _lock(place: Path) -> int | None:
    """A descriptor of the file there, which is made or emptied, locked until it is closed.

    None: another process has locked it, it is not ours, or files cannot be locked here.
    """
    if sys.platform == "win32":
        return None
    with contextlib.ExitStack() as undo:
        try:
            lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            undo.callback(os.close, lock)
            if not _locks(lock, place) or not _is_ours(lock, place):
                return None
            os.ftruncate(lock, 0)
        except OSError:
            return None
        undo.pop_all()
        return lock


def _locks(lock: int, place: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a file system without locks: nobody else uses the name either
        place.unlink(missing_ok=True)
        return False
    return True


def _is_ours(lock: int, place: Path) -> bool:
    """Whether a locked file still has its name, and no other user or name has a hold on it."""
    here, there = os.fstat(lock), place.lstat()
    same = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    alone = here.st_nlink == 1 and here.st_uid == os.geteuid()
    return same and alone and stat.S_ISREG(here.st_mode)


def _reason(target: Path, error: OSError) -> str:
    """Why a place is not to be had; of a file where a folder is needed systems say "File exists"."""
    blocking = next((place for place in target.parents if is_file(place)), None)
    if blocking is not None:
        return f"{blocking} is a file, not a folder"
    return error.strerror or str(error)


def missing_file(path: Path, kind: str) -> str | None:
    """Why no file can be read at a place, as a sentence; None: there is one.

    Args:
        path: the place; names too long for the system and forbidden folders are answered, too.
        kind: what should lie there, such as ``image file``.
    """
    try:
        there = path.is_file()
    except OSError as error:
        return f"Cannot look up the {kind} {shown_path(path)}: {error.strerror or error}."
    return None if there else f"There is no {kind} {shown_path(path)}."


def shown_path(path: str | os.PathLike[str]) -> str:
    """A path for a message: of a very long one the beginning."""
    text = os.fspath(path)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def unread(error: OSError | ValueError) -> str:
    """Why a text file cannot be read, as a clause without a full stop."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, UnicodeDecodeError):
        return str(error)
    if error.object.startswith(_GZIP):
        return "it is compressed (gzip), unpack it first"
    if error.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is UTF-16 and not UTF-8 text, save it as UTF-8"
    line = error.object.count(b"\n", 0, error.start) + 1
    return f"it is not UTF-8 text (byte 0x{error.object[error.start]:02x} in line {line})"


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
