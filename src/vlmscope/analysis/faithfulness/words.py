"""Which of an answer's tokens are followed: all of them, or those of one word or phrase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlmscope.analysis.tokens.words import merge_words
from vlmscope.errors import BadSampleError

__all__ = ["followed"]


def followed(ids: Sequence[int], word: str | None, tokenizer: Any) -> tuple[int, ...]:
    """Indices of the tokens that are followed.

    Args:
        ids: of the answer's tokens.
        word: a word or phrase of it, at the first place where it stands; None: every token.
        tokenizer: the model's.

    Raises:
        BadSampleError: an answer that does not hold the word.
    """
    if word is None:
        return tuple(range(len(ids)))
    text, words = merge_words(list(ids), tokenizer)
    wanted = [part.casefold() for part in word.split()]
    spoken = [each.text.casefold() for each in words]
    for start in range(len(spoken) - len(wanted) + 1):
        if wanted and spoken[start : start + len(wanted)] == wanted:
            inside = words[start : start + len(wanted)]
            return tuple(sorted({token for each in inside for token in each.tokens}))
    raise BadSampleError(
        f"The answer {text!r} does not hold the word {word!r}, so there is no token to follow."
    )
