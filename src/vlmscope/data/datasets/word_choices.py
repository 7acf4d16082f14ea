"""Several word lists of one data set, as they are asked for by name: ``plain,field`` or files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlmscope.data.datasets.label_maps.class_words import (
    VOCABULARIES,
    class_words,
    has_vocabularies,
    vocabulary,
)
from vlmscope.data.datasets.words import WordList
from vlmscope.errors import BadOptionError
from vlmscope.io import is_there

__all__ = ["further_words", "word_choices"]


def word_choices(dataset: str, text: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The word list that a data set is opened with, and further ones.

    Args:
        dataset: id of its kind.
        text: ``plain``, ``field``, a file, or several with commas; None: both vocabularies where the set
            has them, else what it calls its classes.

    Raises:
        BadOptionError: a name that is empty, or two lists of one name.
    """
    if text is None:
        return None, VOCABULARIES[1:] if has_vocabularies(dataset) else ()
    if "," not in text or is_there(Path(text)):
        return text, ()
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise BadOptionError(
            f"Word lists are written with single commas between them, got {text!r}."
        )
    titles = [_title(name) for name in names]
    for place, title in enumerate(titles):
        if title in titles[:place]:
            other = names[titles.index(title)]
            raise BadOptionError(
                f"Two word lists are called {title!r} ({other} and {names[place]}), and their runs could "
                "not be told apart. Name each once, or rename a file."
            )
    return names[0], tuple(names[1:])


def further_words(dataset: str, names: Sequence[str], asked: bool = True) -> dict[str, WordList]:
    """Word lists by what runs with them are called: ``field``, or a file's name without its ending.

    Args:
        dataset: id of the kind that they are of.
        names: as :func:`word_choices` gives them.
        asked: whether somebody named them; our own vocabularies are meant where nobody did.

    Raises:
        UnknownNameError, BadOptionError, BadPhraseError: as
            :func:`vlmscope.data.datasets.label_maps.class_words.class_words`.
    """
    return {_title(name): _words(dataset, name, asked) for name in names}


def _words(dataset: str, name: str, asked: bool) -> WordList:
    if not asked:
        return vocabulary(dataset, name)
    if has_vocabularies(dataset):
        return class_words(dataset, name)
    if name in VOCABULARIES:
        raise BadOptionError(
            f"The data set {dataset} has no vocabulary {name!r}. Leave it out, or give a word list."
        )
    return WordList.load(name)


def _title(name: str) -> str:
    return name if name in VOCABULARIES else Path(name).stem
