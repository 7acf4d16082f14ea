"""Which photographs and maps belong together: by a list of names, or by what two folders hold."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vlmscope.data.datasets.base import Skipped
from vlmscope.data.text_files import text_lines
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file, is_folder, shown_path, unread

__all__ = ["IMAGE_ENDS", "base_folder", "beside", "files_below", "names_of_split"]

IMAGE_ENDS = (".jpg", ".jpeg", ".png")


def base_folder(root: Path, names: Sequence[str], inside: Sequence[str]) -> Path:
    """The folder that a layout begins in: people give it, or one above it.

    Args:
        root: the folder given.
        names: of the folder below it, the usual one first; ``""`` is ``root`` itself.
        inside: what such a folder holds, any of it.

    Raises:
        BadSampleError: there is none; says what is looked for.
    """
    for name in names:
        if any(is_folder(root / name / each) for each in inside):
            return root / name
    places = [str(Path(name) / inside[0]) for name in names]
    raise BadSampleError(
        f"{shown_path(root)} has none of the folders {', '.join(places)}. Give the folder that "
        "holds it as --root (root=)."
    )


def names_of_split(path: Path, advice: str) -> tuple[list[str], list[Skipped]]:
    """The names in the list of a split, one a line, and those that are there twice.

    Args:
        path: of the list.
        advice: how it is got, a sentence.

    Raises:
        BadSampleError: missing, no text, empty, or with lines of another form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise BadSampleError(
            f"Cannot read the list of the split, {shown_path(path)}: {unread(error)}. {advice}"
        ) from error
    names: dict[str, None] = {}
    twice = []
    for number, line in enumerate(text_lines(text), start=1):
        name = line.strip()
        if not name:
            continue
        if len(name.split()) > 1 or "/" in name or "\\" in name or name.startswith("."):
            raise BadSampleError(
                f"Line {number} of {shown_path(path)} is {line[:80]!r}: a list of a split has the name "
                f"of one image, without its ending, in each line. {advice}"
            )
        if name in names:
            twice.append(Skipped(name, f"Line {number} of {path.name} repeats it; it counts once."))
        names[name] = None
    if not names:
        raise BadSampleError(f"The list of the split, {shown_path(path)}, is empty. {advice}")
    return list(names), twice


def files_below(folder: Path, ends: Sequence[str]) -> dict[str, Path]:
    """Name without its ending -> file, of all files in a folder and those below it, by name.

    Args:
        folder: where to look; nothing is found where there is none.
        ends: what names end with, such as ``_labelTrainIds.png``; the end is taken off.

    Raises:
        BadSampleError: two files of one name in different folders.
    """
    found: dict[str, Path] = {}
    for path in _walk(folder):
        end = next((end for end in ends if path.name.lower().endswith(end.lower())), None)
        if end is None:
            continue
        stem = path.name[: len(path.name) - len(end)]
        if stem in found:
            raise BadSampleError(
                f"Two files are called {stem!r}: {shown_path(found[stem])} and {shown_path(path)}. "
                "Take one of them away."
            )
        found[stem] = path
    return dict(sorted(found.items()))


def beside(folder: Path, stem: str, ends: Sequence[str]) -> Path:
    """The file of a name in a folder, whichever of the endings it has; the first where none is."""
    paths = [folder / f"{stem}{end}" for end in ends]
    return next((path for path in paths if is_file(path)), paths[0])


def _walk(folder: Path) -> Iterator[Path]:
    if not is_folder(folder):
        return
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith("."):
                yield Path(place) / name
