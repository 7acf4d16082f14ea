"""Which of a data set's objects a description names, mention by mention: CHAIR's word list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vlmscope.analysis.agreement import plain
from vlmscope.analysis.knockout.objects import ObjectWords, shipped_names

__all__ = ["NOTHING", "WORD_RULE", "Mention", "mentions_of", "objects_for"]

NOTHING = "nothing"
"""What words stand for that hold an object's name and mean none: train track, orange juice."""

WORD_RULE = (
    "no lemmatiser: plurals by rule (s, es, ies and a list of irregular ones), no parts of speech; the "
    "longest words of the list win at each place (two-word merges); chair.txt version 1 over coco.txt"
)
"""Which variant this is: ports of CHAIR change the lemmatiser, and the numbers with it."""


class Mention(NamedTuple):
    """An object that is named.

    Attributes:
        name: of the object.
        first, end: words of the plain text.
    """

    name: str
    first: int
    end: int


def objects_for(known: Iterable[str]) -> ObjectWords:
    """The word list of a data set's objects.

    COCO's 80 objects come with the words for them and with words that stand together, the shapes of
    rendered scenes with theirs; any other objects by their names alone.

    Args:
        known: the objects' names.

    Raises:
        BadOptionError: no object, or names that are read alike.
    """
    names = set(known)
    for title in ("coco", "shapes"):
        words = shipped_names(title)
        if names and names <= set(words):
            if title == "coco":
                for name, more in shipped_names("chair").items():
                    words.setdefault(name, []).extend(more)
            return ObjectWords({each: words[each] for each in words if each in {*names, NOTHING}})
    return ObjectWords(dict.fromkeys(sorted(names), ()))


def mentions_of(text: str, objects: ObjectWords) -> Iterator[Mention]:
    """Objects that a text names, in order, each as often as it is named."""
    for name, first, end in objects.mentions(plain(text).split()):
        if name != NOTHING:
            yield Mention(name, first, end)
