"""What kind of word a word of an English answer is, by closed lists: no grammar, no model."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["KINDS", "kinds_of"]

KINDS = ("noun", "colour", "size", "texture", "position", "other")
"""``noun``: the last word of a noun phrase that is none of the next four."""

_COLOUR_WORDS = """
red orange yellow green blue cyan purple pink violet magenta brown black white grey gray beige
tan gold golden silver teal turquoise maroon navy olive crimson scarlet lavender indigo bronze
blonde blond reddish yellowish greenish bluish colourful colorful
"""
_SIZE_WORDS = """
small large big little tiny huge giant enormous tall short long wide narrow thick thin
"""
_TEXTURE_WORDS = """
solid striped dotted checkered chequered checked spotted patterned plaid plain smooth rough shiny
furry fluffy wooden metal metallic glossy
"""
_POSITION_WORDS = """
left right top bottom middle center centre front back behind above below under over beside
near inside outside upper lower left-hand right-hand foreground background corner between
"""
_LISTS = {
    "colour": frozenset(_COLOUR_WORDS.split()),
    "size": frozenset(_SIZE_WORDS.split()),
    "texture": frozenset(_TEXTURE_WORDS.split()),
    "position": frozenset(_POSITION_WORDS.split()),
}


def kinds_of(words: Sequence[str], phrases: Sequence[Sequence[int]]) -> list[str]:
    """The kind of every word, one of :data:`KINDS`.

    Args:
        words: as they are written.
        phrases: indices of the words of each noun phrase.
    """
    heads = {head for phrase in phrases if (head := _head(words, phrase)) is not None}
    return [_kind(word, index in heads) for index, word in enumerate(words)]


def _head(words: Sequence[str], phrase: Sequence[int]) -> int | None:
    """The last word of a phrase that is of none of the lists."""
    named = [index for index in phrase if _kind(words[index], True) == "noun"]
    return named[-1] if named else None


def _kind(word: str, is_head: bool) -> str:
    plain = word.casefold().strip("'’")
    listed = (kind for kind, list_of_words in _LISTS.items() if plain in list_of_words)
    return next(listed, "noun" if is_head else "other")
