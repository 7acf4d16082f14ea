"""Tokens merged into words: sub-words, bytes of one character, and scripts without spaces."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Word", "merge_words", "noun_phrases"]

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

# articles and numbers make no noun phrase by themselves
_COUNT_WORDS = "a an the one two three four five six seven eight nine ten several many"

_BREAKS = frozenset(_BREAK_WORDS.split())
_COUNTS = frozenset(_COUNT_WORDS.split())

# scripts that write no spaces between words: their tokens stand for themselves
_UNSPACED = (
    "CJK",
    "IDEOGRAPHIC",
    "HIRAGANA",
    "KATAKANA",
    "BOPOMOFO",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "TIBETAN",
    "JAVANESE",
    "BALINESE",
    "TAI ",
    "NEW TAI ",
)

# part of a word between letters: apostrophes, hyphens, the Catalan dot, Hebrew geresh and gershayim,
# the soft hyphen, zero-width joiners
_JOINERS = "'’-\u2010\u2011\u00b7\u05f3\u05f4\u00ad\u200c\u200d"

_VIRAMA = 9  # canonical class of signs that join a letter to the one after it

_UNSETTLED = "\ufffd"  # what bytes of a character decode to before the others are there


@dataclass(frozen=True)
class Word:
    """One word of an answer.

    Attributes:
        text: as it is written.
        start, end: characters of the answer's text.
        tokens: indices of the answer's tokens that it is made of.
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]


def merge_words(ids: Sequence[int], tokenizer: Any) -> tuple[str, list[Word]]:
    """The text of an answer, and its words with the tokens of each; punctuation is no word.

    A token belongs to every word of which it holds a byte: one that holds a space and the first byte
    of a letter is the first of that letter's word.

    Args:
        ids: of the answer.
        tokenizer: of the model.
    """
    text, reaches = _reaches(ids, tokenizer)
    ends = [reach.end for reach in reaches]
    pieces = [
        piece for start, end in _words(text) for piece in _split_unspaced(text, start, end, ends)
    ]
    words = []
    for start, end in pieces:
        tokens = _covering(start, end, reaches)
        if tokens:
            words.append(Word(text[start:end], start, end, tokens))
    return text, words


def noun_phrases(text: str, words: Sequence[Word]) -> list[tuple[int, int]]:
    """Runs of words between breaks and punctuation: (first, past the last) indices into ``words``.

    A rule for English. Of other scripts and languages every unbroken run of words is taken, which
    may be more than a phrase; hand your own phrases over where that matters.

    Args:
        text: the answer.
        words: its words.
    """
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, word in enumerate(words):
        broken = word.text.casefold() in _BREAKS
        gap = text[words[index - 1].end : word.start] if index else ""
        if start is not None and (broken or gap.strip()):
            runs.append((start, index))
            start = None
        if start is None and not broken:
            start = index
    if start is not None:
        runs.append((start, len(words)))
    return [
        (first, last)
        for first, last in runs
        if any(word.text.casefold() not in _COUNTS for word in words[first:last])
    ]


@dataclass(frozen=True)
class _Reach:
    """What an answer's tokens up to one of them say.

    Attributes:
        end: characters that are complete.
        touched: characters that are complete or begun: a token may end in the midst of one.
    """

    end: int
    touched: int


def _reaches(ids: Sequence[int], tokenizer: Any) -> tuple[str, list[_Reach]]:
    """The decoded text, and how far it goes with each token."""
    reaches: list[_Reach] = []
    end = 0
    for count in range(1, len(ids) + 1):
        decoded = _decode(tokenizer, ids[:count])
        # some decoders give up a whole run of bytes while its last character is not complete
        end = max(end, len(decoded.rstrip(_UNSETTLED)))
        reaches.append(_Reach(end, end + int(decoded.endswith(_UNSETTLED))))
    return _decode(tokenizer, ids), reaches


def _decode(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(
        tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    )


def _words(text: str) -> list[tuple[int, int]]:
    """(start, end) of runs of letters, digits and marks, joined by apostrophes and hyphens."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, character in enumerate(text):
        joins = (
            character in _JOINERS
            and start is not None
            and index + 1 < len(text)
            and _is_letter(text[index + 1])
        )
        if _is_letter(character) or joins:
            start = index if start is None else start
        elif start is not None:
            runs.append((start, index))
            start = None
    if start is not None:
        runs.append((start, len(text)))
    return runs


def _is_letter(character: str) -> bool:
    # marks (category M) are vowel signs and accents: Devanagari falls apart without them
    return unicodedata.category(character)[0] in "LNM"


def _split_unspaced(text: str, start: int, end: int, ends: Sequence[int]) -> list[tuple[int, int]]:
    inner = {at for at in ends if start < at < end and _may_be_cut(text, at)}
    return list(pairwise(sorted({start, end, *inner})))


def _may_be_cut(text: str, at: int) -> bool:
    """Whether a word may end before a character: in scripts without spaces, between whole signs."""
    before, after = text[at - 1], text[at]
    unspaced = _is_unspaced(before) or _is_unspaced(after)
    joined = unicodedata.category(after)[0] == "M" or unicodedata.combining(before) == _VIRAMA
    return unspaced and not joined


def _is_unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)


def _covering(start: int, end: int, reaches: Sequence[_Reach]) -> tuple[int, ...]:
    """Tokens that hold any byte of a span; one that adds nothing goes with the token after it."""
    tokens, waiting, before = [], [], 0
    for index, reach in enumerate(reaches):
        if reach.touched == before:
            waiting.append(index)
            continue
        if before < end and reach.touched > start:
            tokens += [*waiting, index]
        waiting, before = [], reach.end
    return tuple(tokens)
