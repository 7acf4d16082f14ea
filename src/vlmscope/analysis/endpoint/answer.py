"""The answer whose log-probability is followed, and what a picture gave for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.endpoint.alignment import Span, bare, tokens_of_word
from vlmscope.errors import BadSampleError

__all__ = ["Answer", "Scores"]


@dataclass(frozen=True)
class Answer:
    """An answer and its tokens, as the endpoint writes or reads them.

    Attributes:
        text: the whole.
        pieces: what each token writes, in UTF-8; perhaps the first ones alone.
        spans: the place of each in the text, see :func:`vlmscope.analysis.endpoint.alignment.aligned`.
        followed: indices of those that are followed.
    """

    text: str
    pieces: tuple[bytes, ...]
    spans: tuple[Span, ...]
    followed: tuple[int, ...]

    @classmethod
    def of(cls, text: str, pieces: tuple[bytes, ...], word: str | None) -> Answer:
        """With a word of it followed; None: all of its tokens.

        Raises:
            BadSampleError: the word is not there, or not among these tokens.
        """
        ends = list(accumulate(len(bare(piece)) for piece in pieces))
        spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
        if word is None:
            return cls(text, pieces, spans, tuple(range(len(pieces))))
        followed = tokens_of_word(text, word, spans)
        if not followed:
            raise BadSampleError(
                f"The answer {text!r} does not hold the word {word!r} among the {len(pieces)} tokens that "
                "can be scored, so there is no token to follow."
            )
        return cls(text, pieces, spans, followed)

    @property
    def whole(self) -> bool:
        """Whether the tokens write all of the text."""
        return self.spans[-1][1] == len(bare(self.text.encode()))

    @property
    def words(self) -> list[str]:
        """What each token writes, as text."""
        return [piece.decode("utf-8", "replace") for piece in self.pieces]


@dataclass(frozen=True, eq=False)
class Scores:
    """The answer's tokens on one picture.

    Attributes:
        logprobs: float (tokens,): of each, in nats; NaN: it could not be scored.
        bounded: bool (tokens,): the token was not among the likeliest, so its value is at most this.
    """

    logprobs: NDArray[np.float64] = field(repr=False)
    bounded: NDArray[np.bool_] = field(repr=False)
