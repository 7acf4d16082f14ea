"""What the classes of a label-map set are called: our two word lists of it, or the user's."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from vlmscope.data.datasets.words import WordList
from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.io import is_there

__all__ = ["VOCABULARIES", "class_words", "has_vocabularies", "vocabulary"]

VOCABULARIES = ("plain", "field")
"""``plain``: a set's own names. ``field``: the words that open-vocabulary segmentation uses."""

_FOLDER = "vocabularies"


def vocabulary(dataset: str, name: str) -> WordList:
    """One of our word lists of a set, with its version.

    Args:
        dataset: id of a set that has them.
        name: ``plain`` or ``field``.

    Raises:
        UnknownNameError: another name.
    """
    if name not in VOCABULARIES:
        raise UnknownNameError("vocabulary", name, VOCABULARIES)
    place = resources.files(__package__) / _FOLDER / f"{dataset}-{name}.json"
    with resources.as_file(place) as path:
        return WordList.load(path)


def has_vocabularies(dataset: str) -> bool:
    """Whether a set has word lists of ours."""
    return (resources.files(__package__) / _FOLDER / f"{dataset}-plain.json").is_file()


def class_words(dataset: str, words: WordList | str | os.PathLike[str] | None) -> WordList:
    """The words asked for, in the user's order; classes are told by their names, never by place.

    Args:
        dataset: id of a set with vocabularies of ours.
        words: ``plain`` or ``field``, a word list, or the path of one; None: ``plain``. Classes
            that it leaves out are ignored.

    Raises:
        UnknownNameError: a class that the set does not have.
        BadOptionError: a name that means a vocabulary and a file, or a class that is called by the
            name of another.
        BadPhraseError: a word list that cannot be read.
    """
    own = vocabulary(dataset, "plain")
    if words is None:
        return own
    if isinstance(words, str) and words in VOCABULARIES:
        if is_there(Path(words)):
            raise BadOptionError(
                f"words={words} names the vocabulary and a file that lies here. For the file write "
                f"./{words}; for the vocabulary go to another folder."
            )
        return vocabulary(dataset, words)
    listed = words if isinstance(words, WordList) else WordList.load(words)
    _check(dataset, listed, own)
    return listed.with_background(own.background if own.background in listed.classes else "")


def _check(dataset: str, listed: WordList, own: WordList) -> None:
    for label, names in listed.classes.items():
        if label not in own.classes:
            raise UnknownNameError(
                "class",
                label,
                own.labels,
                f"Word lists name the classes of {dataset} by its own names.",
                where=f"See: --words plain (words='plain'), whose classes are those of {dataset}.",
            )
        if len(names) == 1 and names[0] != label and names[0] in own.classes:
            raise BadOptionError(
                f"The word list {listed.title} calls the class {label!r} of {dataset} {names[0]!r}, "
                "which is another class of it. Are its words in another order? Give every class its "
                "own."
            )
