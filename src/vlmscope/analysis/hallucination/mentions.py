"""Where an answer asserts an object, and whether the object is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmscope.analysis.agreement import plain
from vlmscope.analysis.knockout.spoken_objects import NOTHING, mentions_of, objects_for
from vlmscope.data.datasets import Asked, Described, EvalSample

__all__ = ["Assertion", "asserted", "shows_nothing"]


@dataclass(frozen=True)
class Assertion:
    """A mention of an object.

    Attributes:
        name: of the object.
        word: what its patches should decode to: as it is written, or the object's name where the
            answer is yes.
        words: indices of the answer's words that assert it.
        real: whether it is there.
    """

    name: str
    word: str
    words: tuple[int, ...]
    real: bool


def asserted(
    sample: EvalSample, asked: Asked, number: int, words: Sequence[str]
) -> tuple[list[Assertion], str]:
    """The mentions of an answer, and why there is none.

    Args:
        sample: the image and what is true of it.
        asked: the question.
        number: its place among the image's questions.
        words: of the answer, in order.

    Returns:
        Mentions; and where there is none a reason, for the count.
    """
    if sample.described is None:
        return _yes(sample, asked, number, words)
    known = objects_for(sample.described.known)
    pairs = [(part, index) for index, word in enumerate(words) for part in plain(word).split()]
    true = _shown(sample.described)
    mentions = [
        Assertion(
            name,
            " ".join(part for part, _ in pairs[first:end]),
            tuple(dict.fromkeys(index for _, index in pairs[first:end])),
            name in true,
        )
        for name, first, end in known.mentions([part for part, _ in pairs])
        if name != NOTHING
    ]
    return mentions, "" if mentions else "description that names no object of the list"


def shows_nothing(sample: EvalSample) -> bool:
    """Whether nobody names an object of the list on a picture that is described."""
    return sample.described is not None and not _shown(sample.described)


def _shown(described: Described) -> set[str]:
    known = objects_for(described.known)
    named = (each.name for text in described.captions for each in mentions_of(text, known))
    return {*described.objects, *named}


def _yes(
    sample: EvalSample, asked: Asked, number: int, words: Sequence[str]
) -> tuple[list[Assertion], str]:
    """Who says yes asserts the object; who says no asserts nothing."""
    first = plain(words[0]) if words else ""
    if first == "yes":
        name = sample.referents[number].label
        return [Assertion(name, name, (0,), bool(asked.truth))], ""
    if first == "no":
        return [], "answer of no, which asserts nothing"
    return [], "answer that is neither yes nor no"
