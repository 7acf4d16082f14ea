"""What is asked about an image in words, and what is true of it, for answers in words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Asked", "Described"]


@dataclass(frozen=True)
class Asked:
    """A question that a model answers in its own words.

    Attributes:
        id: unique within the data set.
        text: the question.
        truth: whether yes is right; None where it is no question of yes or no.
        room: tokens that an answer may take.
        category: of the question, where a set scores its categories apart; else "".
    """

    id: str
    text: str
    truth: bool | None = None
    room: int = 64
    category: str = ""


@dataclass(frozen=True)
class Described:
    """What an image shows, as people say it.

    Attributes:
        objects: names of the objects that somebody outlined, each once.
        captions: what people wrote about the image.
        known: every object that is looked for in a description, those that are not there included.
    """

    objects: tuple[str, ...]
    captions: tuple[str, ...]
    known: tuple[str, ...]
