"""Images that lie in a folder, match a pattern, or stand in a list of paths."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from vlmscope.data.images import SUFFIXES
from vlmscope.data.text_files import text_lines
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.io import is_folder, shown_path, unread
from vlmscope.labels.sources.base import Item, Source, readable

__all__ = ["FolderImages", "ListedImages", "MatchedImages", "fixed_folder"]


@dataclass(frozen=True)
class FolderImages(Source):
    """The images of a folder and its subfolders, but for hidden ones; ids are paths within it.

    Attributes:
        folder: where they lie.
        leave_out: a folder whose images do not count.
    """

    unique: ClassVar[bool] = True

    folder: Path
    leave_out: Path | None = None

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "folder", "place": readable(self.folder.resolve())}

    def items(self) -> Iterator[Item]:
        hidden = None if self.leave_out is None else str(self.leave_out.resolve())
        for name in _walked(str(self.folder), "", hidden):
            yield Item(readable(name.replace(os.sep, "/")), name)

    def open(self, item: Item) -> str:
        return str(self.folder / item.place)

    def gone(self) -> str | None:
        return _gone(self.folder)


@dataclass(frozen=True)
class MatchedImages(Source):
    """The images that a pattern matches; ids are counted from the last folder without a sign in it.

    Attributes:
        pattern: with ``*``, ``?`` or ``[]``; ``**`` stands for any folders.
    """

    unique: ClassVar[bool] = True

    pattern: str

    @property
    def folder(self) -> Path:
        """Where ids are counted from."""
        return fixed_folder(self.pattern)

    @property
    def identity(self) -> dict[str, Any]:
        inside = os.path.relpath(self.pattern, self.folder)
        return {"kind": "pattern", "place": readable(self.folder.resolve()), "pattern": inside}

    def items(self) -> Iterator[Item]:
        matched = glob.iglob(self.pattern, recursive=True)  # noqa: PTH207 (pathlib takes no absolute pattern)
        for path in sorted(matched):
            if path.lower().endswith(SUFFIXES) and Path(path).is_file():
                name = os.path.relpath(path, self.folder)
                yield Item(readable(name.replace(os.sep, "/")), name)

    def open(self, item: Item) -> str:
        return str(self.folder / item.place)

    def gone(self) -> str | None:
        return _gone(self.folder)


@dataclass(frozen=True)
class ListedImages(Source):
    """Images whose paths are listed; ids are the paths as they are written.

    Attributes:
        folder: what relative paths are counted from.
        file: a text file with one path per line; None: the paths are ``paths``.
        paths: one by one.
    """

    folder: Path
    file: Path | None = None
    paths: tuple[str, ...] = ()

    @classmethod
    def of_stdin(cls) -> ListedImages:
        """What comes in on stdin, one path per line; it can be read once, so it is kept.

        Raises:
            BadImageError: nothing comes in.
        """
        if sys.stdin is None or sys.stdin.isatty():
            raise BadImageError("The list - is read from stdin, and nothing comes in. Pipe one in.")
        data = _unmarked(sys.stdin.buffer.read(), "stdin")
        return cls(Path(), paths=tuple(_lines(data, "stdin")))

    @classmethod
    def of(cls, paths: Sequence[str | os.PathLike[str]]) -> ListedImages:
        """Paths, from the present folder.

        Raises:
            BadImageError: something that is no path.
        """
        for path in paths:
            if not isinstance(path, str | os.PathLike):
                raise BadImageError(
                    f"A list of images holds paths, got {type(path).__name__}. Pixels have no id: "
                    "save them first, or call vlmscope.grounder(...) for images in memory."
                )
        return cls(Path(), paths=tuple(os.fspath(path) for path in paths))

    @property
    def identity(self) -> dict[str, Any]:
        place = readable((self.folder if self.file is None else self.file).resolve())
        return {"kind": "list", "place": place}

    def items(self) -> Iterator[Item]:
        for line in self.paths if self.file is None else _file_lines(self.file):
            yield Item(readable(line), line)

    def open(self, item: Item) -> str:
        return str(self.folder / item.place)

    def gone(self) -> str | None:
        return _gone(self.folder)

    def opener(self) -> ListedImages:
        return replace(self, paths=())


def fixed_folder(pattern: str) -> Path:
    """The folders of a pattern before the first one with a sign in it."""
    parts = Path(pattern).parts
    fixed = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:fixed])


def _gone(folder: Path) -> str | None:
    if is_folder(folder):
        return None
    return f"The folder {shown_path(folder)} is no longer there."


def _walked(top: str, inside: str, hidden: str | None) -> Iterator[str]:
    """Paths of images within a folder, by name; of one folder after the other the names are held.

    Links to folders are not followed: they may lead in a circle.
    """
    place = f"{top}{os.sep}{inside}"
    try:
        with os.scandir(place) as entries:
            listed = sorted((each.name, _kind(each)) for each in entries if each.name[0] != ".")
    except OSError as error:
        raise BadImageError(
            f"Cannot list the folder {shown_path(place)}: {error.strerror or error}."
        ) from error
    for name, kind in listed:
        path = f"{inside}{os.sep}{name}" if inside else name
        if kind == "folder":
            if hidden is None or str(Path(top, path).resolve()) != hidden:
                yield from _walked(top, path, hidden)
        elif kind == "file" and name.lower().endswith(SUFFIXES):
            yield path


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file() or (entry.is_symlink() and not entry.is_dir()) else "other"


def _file_lines(path: Path) -> Iterator[str]:
    """Line by line: a list of millions is not held."""
    name = shown_path(path)
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream):
                yield from _lines(line if number else _unmarked(line, name), name)
    except OSError as error:
        raise BadSampleError(
            f"Cannot read the list {name}: {unread(error)}. Give a text file with one path per line."
        ) from error


def _lines(data: bytes, name: str) -> list[str]:
    """Paths, which may be any bytes on a disk."""
    if b"\0" in data:
        raise BadSampleError(f"The list {name} holds zero bytes. Write one path per line.")
    return [line for line in text_lines(os.fsdecode(data)) if line.strip()]


def _unmarked(data: bytes, name: str) -> bytes:
    """A list without the mark at its beginning."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadSampleError(f"The list {name} is UTF-16 and not UTF-8 text. Save it as UTF-8.")
    return data.removeprefix(b"\xef\xbb\xbf")
