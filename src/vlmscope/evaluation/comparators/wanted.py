"""Which comparators were asked for, as they are written on a command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vlmscope.errors import BadOptionError
from vlmscope.evaluation.comparators.catalogue import COMPARATORS

__all__ = ["Wanted", "wanted"]


@dataclass(frozen=True)
class Wanted:
    """A comparator that is to be loaded.

    Attributes:
        label: what it is called in the report: the id, or ``ID@WORD`` for one of several.
        id: of its kind.
        name: a hub id or a folder.
    """

    label: str
    id: str
    name: str


def wanted(texts: Iterable[str], taken: Iterable[str] = ()) -> tuple[Wanted, ...]:
    """``["owlv2=google/owlv2-base-patch16-ensemble"]``, read and checked; nothing is loaded.

    Args:
        texts: each one ``ID=NAME`` or several with commas; ``ID@WORD=NAME`` is one more of a kind.
        taken: labels of other runs.

    Raises:
        BadOptionError: another form, or a label that is there already.
        UnknownNameError: no such comparator.
    """
    labels = list(taken)
    found = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        one = _wanted(part)
        if one.label in labels:
            raise BadOptionError(
                f"Two runs are called {one.label!r}. Give the comparator a name of its own: "
                f"{one.id}@other={one.name}."
            )
        labels.append(one.label)
        found.append(one)
    return tuple(found)


def _wanted(text: str) -> Wanted:
    label, equals, name = (part.strip() for part in text.partition("="))
    id, at, word = label.partition("@")
    if not id or (at and not word) or (equals and not name):
        raise BadOptionError(f"A comparator is written ID=NAME, got {text!r}. {_example(id)}")
    kind = COMPARATORS.get(id)
    if not equals:
        raise BadOptionError(
            f"A comparator is written ID=NAME, got {text!r}, which says no checkpoint. "
            f"For example: {kind.id}={kind.example}"
        )
    return Wanted(label, id, name)


def _example(id: str) -> str:
    kind = COMPARATORS.get(id) if id in COMPARATORS.ids else next(iter(COMPARATORS))
    return f"NAME is a hub id or a folder. For example: {kind.id}={kind.example}"
