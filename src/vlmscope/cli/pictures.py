"""Which words of a command line are pictures, and which are phrases."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlmscope.cli.places import SUFFIXES, ImageFile, image_files
from vlmscope.data.text_files import TextFile
from vlmscope.errors import BadImageError, BadPhraseError, quoted
from vlmscope.export import keys_of
from vlmscope.io import is_there

__all__ = ["STDIN", "Pictures", "pictures_of", "sort_words"]

STDIN = "-"

_LIST = ".txt"
_PATTERN = "*?["


@dataclass(frozen=True)
class Pictures:
    """The pictures of a command.

    Attributes:
        files: in the order they were named, each once.
        alone: one file was named, or stdin: its result is printed by itself.
        notes: what the person should know of how the words were read.
    """

    files: tuple[ImageFile, ...]
    alone: bool
    notes: tuple[str, ...] = ()

    def said(self, phrases: Sequence[str]) -> tuple[str, ...]:
        """How the words were read, of several pictures; nothing of one alone that needs no note."""
        if self.alone:
            return self.notes
        files = "1 image file" if len(self.files) == 1 else f"{len(self.files)} image files"
        asked = "1 phrase" if len(phrases) == 1 else f"{len(phrases)} phrases"
        return f"{files} and {asked}: {quoted(phrases)}", *self.notes


def sort_words(
    words: Sequence[str], phrases: Sequence[str], leave_out: Path | None = None
) -> tuple[Pictures, list[str]]:
    """The pictures and the phrases among words.

    A picture is what exists on disk, ends like an image, or is a pattern that matches; a folder
    stands for the images in it and its subfolders, a text file for the paths in it, one per line,
    from its own folder. The first word is always one. All other words are phrases.

    Args:
        words: as typed.
        phrases: that were typed as such; they go behind those among the words.
        leave_out: a folder that results go to: its images do not count.

    Raises:
        BadImageError: a picture that is not there, a folder or pattern without one, a list without
            a line.
        BadPhraseError: there is no phrase, or a list that is no text.
    """
    chosen = [word for number, word in enumerate(words) if number == 0 or _is_picture(word)]
    asked = [word for number, word in enumerate(words) if number and not _is_picture(word)]
    asked += phrases
    notes = [
        f"{word!r} is a {'folder' if Path(word).is_dir() else 'file'} here and was taken as one; to "
        f"ask for it: --phrase {word}"
        for word in chosen[1:]
        if not Path(word).suffix and os.sep not in word and not _is_pattern(word)
    ]
    if not asked:
        raise BadPhraseError(
            f"There is no phrase: {quoted(chosen)} {'is' if len(chosen) == 1 else 'are'} taken as "
            f'pictures. Say what to find: vlmscope ground {chosen[0]} "a red circle", or with --phrase.'
        )
    places = [(root, path) for word in chosen for root, path in _places(word, leave_out)]
    if len(places) == 1 and chosen == [str(places[0][1])]:
        return Pictures(_keyed(places), alone=True, notes=tuple(notes)), asked
    kept = _once(places)
    if len(kept) < len(places):
        notes.append(f"{len(places) - len(kept)} pictures are named twice; each is looked at once.")
    return Pictures(_keyed(kept), alone=False, notes=tuple(notes)), asked


def pictures_of(words: Sequence[str]) -> tuple[ImageFile, ...]:
    """The pictures that words stand for, each once.

    Raises:
        BadImageError: as :func:`sort_words`.
    """
    return _keyed(_once([place for word in words for place in _places(word, None)]))


def _once(places: Sequence[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    first: dict[Path, tuple[Path, Path]] = {}
    for root, path in places:
        first.setdefault(_absolute(path), (root, path))
    return list(first.values())


def _is_picture(word: str) -> bool:
    if not word.strip():
        return False  # pathlib takes it for the folder one is in
    if word == STDIN or word.lower().endswith(SUFFIXES) or is_there(Path(word)):
        return True
    return _is_pattern(word)


def _is_pattern(word: str) -> bool:
    """Whether a shell left a pattern as it is; a phrase may end in a question mark."""
    if not any(sign in word for sign in _PATTERN) or is_there(Path(word)):
        return False
    return next(_matches(word), None) is not None


def _matches(word: str) -> Iterator[str]:
    return glob.iglob(word, recursive=True)  # noqa: PTH207 (pathlib takes no absolute pattern)


def _places(word: str, leave_out: Path | None) -> list[tuple[Path, Path]]:
    """(folder that its name is counted from, path) of every picture that a word stands for."""
    path = Path(word)
    if word == STDIN:
        return [(Path(), path)]
    if path.is_dir():
        return [(path, file.path) for file in image_files(path, leave_out)]
    if is_there(path):
        return _listed(path) if path.suffix.lower() == _LIST else [(path.parent, path)]
    matched = (
        sorted(Path(each) for each in _matches(word) if each.lower().endswith(SUFFIXES))
        if any(sign in word for sign in _PATTERN)
        else []
    )
    if not matched:
        raise BadImageError(
            f"There is no image file {word!r}. Check the path; if it is a phrase, write it behind "
            "--phrase."
        )
    return [(each.parent, each) for each in matched]


def _listed(file: Path) -> list[tuple[Path, Path]]:
    advice = "Give a text file with one path per line."
    lines = TextFile.read(file, "list of pictures", advice).lines
    paths = [file.parent / line.strip() for line in lines if line.strip()]
    if not paths:
        raise BadImageError(f"The list {file} holds no path. Write one picture per line.")
    return [(path.parent, path) for path in paths]


def _keyed(places: Sequence[tuple[Path, Path]]) -> tuple[ImageFile, ...]:
    """Image files whose keys are counted from the folder that all of them lie in."""
    top = Path(os.path.commonpath([_absolute(root) for root, _ in places]))
    inside = [_absolute(path).relative_to(top) for _, path in places]
    keys = keys_of(inside)
    return tuple(
        ImageFile(path, str(path), keys[place])
        for (_, path), place in zip(places, inside, strict=True)
    )


def _absolute(path: Path) -> Path:
    """Links stay what they are: pictures are often linked into a folder from elsewhere."""
    return Path(os.path.normpath(path.absolute()))
