"""Word lists: the classes of a data set and what each of them is called.

A number without its word list is nothing: in much of the literature a few renamed classes are worth
more than ten points. So a list has a digest, which every report states.

On disk it is JSON, ``{"class": ["name", "other name"], ...}``, or with a head of its own:
``{"name": ..., "version": ..., "background": "class", "classes": {...}}``. A whole number in place of
a name is a row of a classifier: ``{"zebra": [340]}``.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vlmscope.data.classes import MAX_NAME, ClassList
from vlmscope.errors import BadPhraseError, VlmscopeWarning
from vlmscope.io import parse_json, shown_path, unread

__all__ = ["Name", "WordList"]

Name = str | int
"""What a class is called: a text, or a row of a classifier."""


@dataclass(frozen=True)
class WordList:
    """Classes and their names.

    Attributes:
        title: where it comes from: a file name, or ``"category names"``.
        classes: class -> its names, in the order of the class indices.
        version: as the file says, or ``""``.
        background: the class that stands for everything else, or ``""`` where none does.

    Raises:
        BadPhraseError: no class, a class without names, a name that is no name, or a background
            that is no class.
    """

    title: str
    classes: Mapping[str, tuple[Name, ...]] = field(repr=False)
    version: str = ""
    background: str = ""

    def __post_init__(self) -> None:
        if not self.classes:
            raise BadPhraseError(f"The word list {self.title} has no class. Give one at least.")
        for label, names in self.classes.items():
            _check(self.title, label, names)
        if self.background and self.background not in self.classes:
            raise BadPhraseError(
                f"The background {self.background!r} of the word list {self.title} is none of its "
                "classes."
            )

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in order."""
        return tuple(self.classes)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of classes, names and their order."""
        content = json.dumps([[label, list(names)] for label, names in self.classes.items()])
        return f"sha256:{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    def only(self, labels: Iterable[str]) -> WordList:
        """The same list with some of its classes, in the order given."""
        kept = {label: self.classes[label] for label in labels}
        background = self.background if self.background in kept else ""
        return WordList(self.title, kept, self.version, background)

    def with_background(self, label: str) -> WordList:
        """The same list with one of its classes as the background; ``""``: with none."""
        return replace(self, background=label)

    def to_dict(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "title": self.title,
            "version": self.version,
            "digest": self.digest,
            "classes": len(self.classes),
            "names": sum(len(names) for names in self.classes.values()),
            **({"background": self.background} if self.background else {}),
        }

    @classmethod
    def plain(cls, labels: Iterable[str], title: str) -> WordList:
        """Every class is called what it is."""
        return cls(title, {label: (label,) for label in labels})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> WordList:
        """Read a file: JSON as above, or ``.txt`` as ``segment`` takes it, one class per line.

        Raises:
            BadPhraseError: a file that cannot be read, is no JSON, or holds something else.
        """
        file = Path(path)
        if file.suffix.lower() == ".txt":
            listed = ClassList.read(file)
            for note in listed.notes:
                warnings.warn(note, VlmscopeWarning, stacklevel=2)
            return cls(file.name, {each.name: each.texts for each in listed.classes})
        try:
            content = parse_json(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise BadPhraseError(
                f"Cannot read the word list {shown_path(file)}: {unread(error)}. Give a UTF-8 JSON "
                'file such as {"dog": ["dog", "puppy"], ...}.'
            ) from error
        if not isinstance(content, dict):
            raise BadPhraseError(
                f"The word list {file} must be a JSON object from classes to names, got "
                f"{type(content).__name__}."
            )
        headed = isinstance(content.get("classes"), dict)
        classes = content["classes"] if headed else content
        title = str(content.get("name", file.name)) if headed else file.name
        version, background = (
            str(content.get(key, "")) if headed else "" for key in ("version", "background")
        )
        named = {label: _names(names) for label, names in classes.items()}
        return cls(title, named, version, background)


def _names(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _check(title: str, label: str, names: tuple[Any, ...]) -> None:
    if not label.strip():
        raise BadPhraseError(f"The word list {title} has a class without a name: {label!r}.")
    longest = max((each for each in (label, *names) if isinstance(each, str)), key=len)
    if len(longest) > MAX_NAME:
        raise BadPhraseError(
            f"A name in the word list {title} has {len(longest):,} characters ({longest[:30]!r}...), "
            f"at most {MAX_NAME:,} are read."
        )
    if not names:
        raise BadPhraseError(f"The class {label!r} of the word list {title} has no names.")
    for name in names:
        row = isinstance(name, int) and not isinstance(name, bool) and name >= 0
        if not row and not (isinstance(name, str) and name.strip()):
            raise BadPhraseError(
                f"A name of the class {label!r} in the word list {title} is {name!r}. Names are "
                "texts, or rows of a classifier as whole numbers from 0."
            )
    if len(set(names)) < len(names):
        raise BadPhraseError(f"The class {label!r} of the word list {title} has a name twice.")
