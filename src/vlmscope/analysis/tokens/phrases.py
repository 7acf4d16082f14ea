"""Noun phrases of an answer, by the words that never belong to one: no language model, no corpus."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.analysis.tokens.words import Word

__all__ = ["noun_phrases"]

# words of the closed classes of English that end a noun phrase; what is left between them is one
_BREAK_WORDS = """
is are was were be been being am has have had do does did will would can could may might must
shall should and or but nor so yet if then than that which who whom whose when while where why
how because although though since until unless as of in on at by for with without from into onto
over under above below between behind beside near next to toward towards through across along
around against inside outside within upon off up down out about it its they them their he she
his her him we us our you your i me my this these those there here not no yes also very too
just only both each either neither some any such what appears seems looks shows showing shown
contains containing holding wearing sitting standing lying riding walking running playing eating
looking located placed positioned visible seen wears holds sits stands lies left right middle
center centre top bottom
"""
_COUNT_WORDS = "a an the one two three four five six seven eight nine ten several many"

_BREAKS = frozenset(_BREAK_WORDS.split())
_ARTICLES = frozenset(_COUNT_WORDS.split())


def noun_phrases(text: str, words: Sequence[Word]) -> list[tuple[int, int]]:
    """Runs of words between breaks and punctuation: (first, past the last) indices into ``words``.

    A rule for English. Of other scripts and languages every unbroken run of words is taken, which
    may be more than a phrase; hand your own phrases over where that matters.

    Args:
        text: the answer.
        words: its words.
    """
    found: list[tuple[int, int]] = []
    start: int | None = None
    for index, word in enumerate(words):
        broken = word.text.casefold() in _BREAKS
        gap = text[words[index - 1].end : word.start] if index else ""
        if start is not None and (broken or gap.strip()):
            found.append((start, index))
            start = None
        if start is None and not broken:
            start = index
    if start is not None:
        found.append((start, len(words)))
    return [
        (first, last)
        for first, last in found
        if any(word.text.casefold() not in _ARTICLES for word in words[first:last])
    ]
