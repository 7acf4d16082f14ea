"""Which objects a description names, by a list of words: the deterministic judge of descriptions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from vlmscope.analysis.agreement import plain
from vlmscope.errors import BadOptionError

__all__ = ["LISTS", "ObjectWords"]

LISTS = ("coco", "shapes")
"""Lists that ship: the 80 objects of COCO, and the shapes of rendered scenes."""

_IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "leaves": "leaf",
    "shelves": "shelf",
    "wolves": "wolf",
}


class ObjectWords:
    """Objects and the words for them; several words per object, of any number of parts.

    Args:
        names: object -> further words for it; or objects alone.

    Raises:
        BadOptionError: no object, or a word that belongs to two.
    """

    def __init__(self, names: Mapping[str, Iterable[str]] | Iterable[str]) -> None:
        listed = names.items() if isinstance(names, Mapping) else ((name, ()) for name in names)
        self._objects: dict[tuple[str, ...], str] = {}
        for name, synonyms in listed:
            for word in (name, *synonyms):
                self._add(word, name)
        if not self._objects:
            raise BadOptionError("A list of objects needs at least one word.")
        self._longest = max(len(parts) for parts in self._objects)

    @classmethod
    def read(cls, source: str | os.PathLike[str]) -> ObjectWords:
        """A list that ships (``coco``, ``shapes``), or a file.

        One object per line, further words for it behind a colon, ``couch: sofa, settee``; blank lines
        and those that begin with # are skipped.

        Raises:
            BadOptionError: a file that cannot be read, or holds no object.
        """
        if os.fspath(source) in LISTS:
            folder = resources.files("vlmscope.analysis.knockout").joinpath("words")
            text = folder.joinpath(f"{os.fspath(source)}.txt").read_text("utf-8")
        else:
            text = _file_text(source)
        names: dict[str, list[str]] = {}
        for line in (line.strip() for line in text.splitlines()):
            if line and not line.startswith("#"):
                name, _, rest = line.partition(":")
                words = [word.strip() for word in rest.split(",") if word.strip()]
                names.setdefault(name.strip(), []).extend(words)
        return cls(names)

    def named(self, text: str) -> set[str]:
        """The objects that a text names; the longest word at each place, singular or plural."""
        words = [_singular(word) for word in plain(text).split()]
        found: set[str] = set()
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                name = self._objects.get(tuple(words[at : at + length]))
                if name is not None:
                    found.add(name)
                    at += length - 1
                    break
            at += 1
        return found

    def f1(self, answer: str, clean: str) -> float | None:
        """F1 of the objects that an answer names against those of the clean description.

        None where the clean description names no object: there is nothing to lose.
        """
        wanted, said = self.named(clean), self.named(answer)
        if not wanted:
            return None
        return 2 * len(wanted & said) / (len(wanted) + len(said))

    def to_dict(self) -> dict[str, str]:
        """Word -> object, for the record."""
        return {" ".join(parts): name for parts, name in self._objects.items()}

    def _add(self, word: str, name: str) -> None:
        parts = tuple(_singular(part) for part in plain(word).split())
        if not parts:
            raise BadOptionError(f"The object {name!r} has a word without letters: {word!r}.")
        taken = self._objects.setdefault(parts, name)
        if taken != name:
            raise BadOptionError(f"The word {word!r} stands for {taken!r} and for {name!r}.")


def _file_text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadOptionError(
            f"Cannot read the list of objects {path}: {error}. Give a file, or one of the lists that "
            f"ship: {', '.join(LISTS)}."
        ) from error


def _singular(word: str) -> str:
    """An English plural without its ending; other words as they are. Both sides go through it."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
