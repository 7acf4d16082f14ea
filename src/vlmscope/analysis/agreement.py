"""When an answer says what a reference says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from vlmscope.errors import BadSampleError

__all__ = ["ACCURACIES", "accuracy", "agrees", "plain"]

ACCURACIES = ("exact", "vqa")
"""``exact``: 1 if the answer says what some reference says. ``vqa``: mean over the references, each
left out once, of min(1, matches among the others / 3) (Antol et al., VQA, 2015)."""

_AGREEING = 3  # people who must give an answer for it to count in full
_ARTICLES = ("a", "an", "the")


def accuracy(answer: str, references: Sequence[str], kind: str) -> float:
    """From 0 to 1; case, punctuation and articles do not count.

    Raises:
        BadSampleError: fewer references than the VQA formula can work with.
    """
    if kind == "exact":
        return float(agrees(answer, references))
    if len(references) <= _AGREEING:
        raise BadSampleError(
            f"VQA accuracy compares with several people's answers (usually 10), got {len(references)}. "
            "Use accuracy 'exact' where references are right answers."
        )
    words = plain(answer)
    matches = [words == plain(reference) for reference in references]
    left_out = [min(1.0, (sum(matches) - match) / _AGREEING) for match in matches]
    return sum(left_out) / len(left_out)


def agrees(answer: str, references: Iterable[str]) -> bool:
    """Exact match with one of the references, both made :func:`plain`."""
    words = plain(answer)
    return any(words == plain(reference) for reference in references)


def plain(text: str) -> str:
    """Words without case, punctuation and English articles, one space between them."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(
        character if unicodedata.category(character)[0] in "LNM" else " " for character in folded
    )
    return " ".join(word for word in kept.split() if word not in _ARTICLES)
