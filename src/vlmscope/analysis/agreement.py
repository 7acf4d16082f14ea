"""When an answer says what a reference says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["agrees", "plain"]

_ARTICLES = ("a", "an", "the")


def plain(text: str) -> str:
    """Words without case, punctuation and English articles, one space between them."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(
        character if unicodedata.category(character)[0] in "LNM" else " " for character in folded
    )
    return " ".join(word for word in kept.split() if word not in _ARTICLES)


def agrees(answer: str, references: Iterable[str]) -> bool:
    """Exact match with one of the references, both made :func:`plain`."""
    said = plain(answer)
    return any(said == plain(reference) for reference in references)
