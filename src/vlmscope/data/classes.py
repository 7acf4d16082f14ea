"""The classes of a segmentation: each has a name, and one or several texts that stand for it.

Written out, a list is ``dog, cat, bus`` or a text file with one class per line; ``person: man|woman``
is the class *person*, looked for as *man* and as *woman*. The name before the colon is then a label
only: list it again behind the colon if it is to be looked for too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.data.text_files import TextFile
from vlmscope.errors import BadPhraseError
from vlmscope.types import MAX_CLASSES

__all__ = ["MAX_NAME", "ClassList", "TextClass"]

MAX_NAME = 10_000
"""Characters of a name; a tokenizer takes minutes for millions, and no encoder reads so many."""

_ADVICE = "Give a text file with one class per line, or the classes themselves: a,b,c."


@dataclass(frozen=True)
class TextClass:
    """One class.

    Attributes:
        name: what it is called in results.
        texts: what is looked for, at least one; a place's score is that of the best of them.
    """

    name: str
    texts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> TextClass:
        """Read ``name`` or ``name: text|text``.

        Raises:
            BadPhraseError: no name, or a colon with nothing behind it.
        """
        before, colon, after = text.partition(":")
        name = _tidy(before)
        texts = [_tidy(part) for part in after.split("|")] if colon else [name]
        texts = [part for part in texts if part]
        if not name or not texts:
            raise BadPhraseError(
                f"A class is written 'name' or 'name: text|text', got {text.strip()!r}."
            )
        return cls(name, tuple(dict.fromkeys(texts)))


@dataclass(frozen=True)
class ClassList:
    """Classes that are told from each other, without duplicates.

    Attributes:
        classes: at least one, in the order given.
        notes: what was tidied up, for the user to read.
    """

    classes: tuple[TextClass, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names."""
        return tuple(each.name for each in self.classes)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of all classes, one class after the other."""
        return tuple(text for each in self.classes for text in each.texts)

    @property
    def owners(self) -> tuple[int, ...]:
        """For each of :attr:`texts`, the index of its class; ascending."""
        return tuple(i for i, each in enumerate(self.classes) for _ in each.texts)

    @classmethod
    def of(cls, source: Any) -> ClassList:
        """Classes from whatever holds some.

        Args:
            source: a ClassList; text ``"a, b, c"``; the path of a text file (a Path, or text that
                ends in ``.txt``); a sequence of texts, one class each; a mapping from names to
                texts.

        Raises:
            BadPhraseError: no class, a class that is no text, a text that two classes share.
        """
        if isinstance(source, ClassList):
            return source
        if isinstance(source, os.PathLike) or _names_a_file(source):
            return cls.read(source)
        if isinstance(source, str):
            return cls._merged(TextClass.parse(part) for part in source.split(",") if part.strip())
        if isinstance(source, Mapping):
            return cls._merged(_from_pair(name, texts) for name, texts in source.items())
        if isinstance(source, Sequence) and not isinstance(source, bytes):
            return cls._merged(_from_item(item) for item in source)
        raise BadPhraseError(
            "Classes are 'a, b, c', the path of a .txt file, a list of texts or a mapping from "
            f"names to texts, got {type(source).__name__}."
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ClassList:
        """Classes from a text file, one per line; blank lines are skipped.

        Raises:
            BadPhraseError: no such file, no text in it, no class in it, or as in :meth:`of`.
        """
        file = TextFile.read(path, "class file", _ADVICE)
        lines = [line for line in file.lines if line.strip()]
        if not lines:
            raise BadPhraseError(f"The class file {path} is empty. Write one class per line.")
        return cls._merged((TextClass.parse(line) for line in lines), file.notes)

    @classmethod
    def _merged(cls, classes: Iterable[TextClass], notes: tuple[str, ...] = ()) -> ClassList:
        """Classes of the same name become one."""
        merged: dict[str, TextClass] = {}
        repeated: dict[str, None] = {}
        for each in classes:
            key = each.name.casefold()
            if key in merged:
                repeated[merged[key].name] = None
                each = TextClass(merged[key].name, _union(merged[key].texts, each.texts))
            merged[key] = each
        kept = tuple(merged.values())
        _check(kept)
        return cls(kept, (*notes, *_repetition(list(repeated))))


def _check(classes: Sequence[TextClass]) -> None:
    if not classes:
        raise BadPhraseError("No class was given. Name at least one, for example: dog, cat, bus.")
    if len(classes) > MAX_CLASSES:
        raise BadPhraseError(
            f"{len(classes):,} classes were given and the limit is {MAX_CLASSES:,}. Split the list."
        )
    owners: dict[str, str] = {}
    for each in classes:
        longest = max(each.name, *each.texts, key=len)
        if len(longest) > MAX_NAME:
            raise BadPhraseError(
                f"A class has a name of {len(longest):,} characters ({longest[:30]!r}...), at most "
                f"{MAX_NAME:,} are read. Is it the right file?"
            )
        for text in each.texts:
            owner = owners.setdefault(text.casefold(), each.name)
            if owner != each.name:
                raise BadPhraseError(
                    f"The text {text!r} stands for two classes, {owner!r} and {each.name!r}, which "
                    "then cannot be told apart. Remove it from one of them."
                )


def _repetition(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(map(repr, names[:5])) + (" ..." if len(names) > 5 else "")
    kind = "class was" if len(names) == 1 else "classes were"
    return (f"{len(names)} {kind} given more than once and merged: {shown}",)


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    known = {text.casefold() for text in first}
    return (*first, *(text for text in second if text.casefold() not in known))


def _from_item(item: Any) -> TextClass:
    if isinstance(item, TextClass):
        return item
    if not isinstance(item, str):
        raise BadPhraseError(f"A class is a text, got {type(item).__name__}: {item!r}.")
    return TextClass.parse(item)


def _from_pair(name: Any, texts: Any) -> TextClass:
    listed = [texts] if isinstance(texts, str) else texts
    if not isinstance(listed, Sequence) or not all(isinstance(t, str) for t in (name, *listed)):
        raise BadPhraseError(f"A class maps a name to texts, got {name!r}: {texts!r}.")
    tidied = tuple(dict.fromkeys(_tidy(text) for text in listed if text.strip()))
    if not _tidy(name) or not tidied:
        raise BadPhraseError(
            f"A class needs a name and at least one text, got {name!r}: {texts!r}."
        )
    return TextClass(_tidy(name), tidied)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _names_a_file(source: Any) -> bool:
    return isinstance(source, str) and source.strip().lower().endswith(".txt")
