"""Which objects a description names, by a list of words: the deterministic judge of descriptions.

It does not understand negation ("no dog" names a dog) nor which sense is meant ("an orange cat").
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources

from vlmscope.analysis.agreement import plain
from vlmscope.data.text_files import TextFile, text_lines
from vlmscope.errors import BadOptionError, VlmscopeWarning

__all__ = ["LISTS", "ObjectWords", "object_names", "shipped_names"]

LISTS = ("coco", "shapes")
"""Lists that ship: the 80 objects of COCO, and the shapes of rendered scenes."""

_IRREGULAR = {
    "man": "men",
    "woman": "women",
    "person": "people",
    "child": "children",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
    "goose": "geese",
    "knife": "knives",
    "shelf": "shelves",
    "leaf": "leaves",
    "loaf": "loaves",
    "scarf": "scarves",
    "calf": "calves",
    "wolf": "wolves",
    "ox": "oxen",
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
        return cls(object_names(source))

    def named(self, text: str) -> set[str]:
        """The objects that a text names; the longest word at each place, singular or plural."""
        return {name for name, _, _ in self.mentions(plain(text).split())}

    def mentions(self, words: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Where words name objects: (object, first word, past the last), the longest at each place.

        Args:
            words: of a text that :func:`vlmscope.analysis.agreement.plain` made plain.
        """
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                name = self._objects.get(tuple(words[at : at + length]))
                if name is not None:
                    yield name, at, at + length
                    at += length - 1
                    break
            at += 1

    def f1(self, answer: str, clean: str) -> float | None:
        """F1 of the objects that an answer names against those of the clean description.

        None where the clean description names no object: there is nothing to lose.
        """
        wanted, named = self.named(clean), self.named(answer)
        if not wanted:
            return None
        return 2 * len(wanted & named) / (len(wanted) + len(named))

    @property
    def objects(self) -> frozenset[str]:
        """Every object of the list."""
        return frozenset(self._objects.values())

    @property
    def digest(self) -> str:
        """A name by which the same list is known again."""
        lines = sorted(f"{' '.join(parts)}={name}" for parts, name in self._objects.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, str]:
        """Word -> object, for the record."""
        return {" ".join(parts): name for parts, name in self._objects.items()}

    def _add(self, word: str, name: str) -> None:
        parts = plain(word).split()
        if not parts:
            raise BadOptionError(f"The object {name!r} has a word without letters: {word!r}.")
        for form in _forms(parts[-1]):
            taken = self._objects.setdefault((*parts[:-1], form), name)
            if taken != name:
                raise BadOptionError(
                    f"The word {word!r} stands for {taken!r} and for {name!r}. Leave it to one of them."
                )


def object_names(source: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Object -> further words for it, of a list as :meth:`ObjectWords.read` takes it."""
    if os.fspath(source) in LISTS:
        return shipped_names(os.fspath(source))
    return _names(_lines(source))


def shipped_names(name: str) -> dict[str, list[str]]:
    """The same of a file that ships, ``chair`` included, which is none by itself."""
    folder = resources.files("vlmscope.analysis.knockout").joinpath("words")
    return _names(text_lines(folder.joinpath(f"{name}.txt").read_text("utf-8")))


def _names(lines: Iterable[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for line in (line.strip() for line in lines):
        if line and not line.startswith("#"):
            name, _, rest = line.partition(":")
            words = [word.strip() for word in rest.split(",") if word.strip()]
            names.setdefault(name.strip(), []).extend(words)
    return names


def _lines(source: str | os.PathLike[str]) -> tuple[str, ...]:
    advice = f"Give a file, or one of the lists that ship: {', '.join(LISTS)}."
    file = TextFile.read(source, "list of objects", advice, BadOptionError)
    for note in file.notes:
        warnings.warn(note, VlmscopeWarning, stacklevel=5)
    return file.lines


def _forms(word: str) -> set[str]:
    """A word and how more than one of it is written in English."""
    if word in _IRREGULAR:
        return {word, _IRREGULAR[word]}
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return {word, f"{word}es"}
    if re.search(r"[^aeiou]y$", word):
        return {word, f"{word[:-1]}ies"}
    if re.search(r"[^aeiou]o$", word):
        return {word, f"{word}s", f"{word}es"}
    return {word, f"{word}s"}
