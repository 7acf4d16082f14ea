"""Three ways to the log-probability of a fixed answer, through an interface made for free ones.

- ``prompt-logprobs``: the answer is put into the prompt as the begun turn of the assistant, and the
  endpoint says the log-probability of every token of the prompt. One request a picture; exact.
- ``prefilled``: the answer is begun up to each token in turn, and the token is looked for among the
  likeliest that could go on. One request a picture and token; exact but for tokens that are not among
  the likeliest, of which a bound is known.
- ``leading-tokens``: the model answers freely. Up to the first token at which it answers something else,
  each token of the answer stands behind the same words as before; what comes later is not known. One
  request a picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from vlmscope.analysis.endpoint.alignment import bare, before, tail
from vlmscope.analysis.endpoint.answer import Answer, Scores
from vlmscope.analysis.endpoint.messages import Asking
from vlmscope.analysis.endpoint.replies import IncompleteReply, Place, Reply

__all__ = ["LeadingTokens", "Prefilled", "PromptLogprobs", "Way", "chance_of"]


class Way(Protocol):
    """How the answer's tokens are scored on a picture."""

    name: str

    def requests(self, answer: Answer) -> int:
        """How many a picture takes."""
        ...

    def payloads(self, asking: Asking, picture: str, answer: Answer) -> list[dict[str, Any]]:
        """The requests of one picture."""
        ...

    def read(self, replies: Sequence[Reply], answer: Answer) -> Scores:
        """What came back to them; raises IncompleteReply where it is not enough."""
        ...


class PromptLogprobs:
    """The endpoint reads the answer as a part of the prompt."""

    name = "prompt-logprobs"

    def requests(self, answer: Answer) -> int:
        """One."""
        return 1

    def payloads(self, asking: Asking, picture: str, answer: Answer) -> list[dict[str, Any]]:
        """The prompt with the whole answer."""
        return [asking.reading(picture, answer.text)]

    def read(self, replies: Sequence[Reply], answer: Answer) -> Scores:
        """The end of the prompt."""
        prompt = replies[0].prompt
        count = tail(answer.text, [piece for piece, _ in prompt])
        if count != len(answer.pieces):
            raise IncompleteReply("reads the answer as other tokens than before")
        values = [logprob for _, logprob in prompt[-count:]]
        if any(value is None for value in values):
            raise IncompleteReply("leaves a token of the answer without a log-probability")
        return Scores(np.array(values, dtype=np.float64), np.zeros(count, dtype=bool))


class Prefilled:
    """The endpoint goes on from an answer that is begun."""

    name = "prefilled"

    def requests(self, answer: Answer) -> int:
        """One for each token that is followed."""
        return len(answer.followed)

    def payloads(self, asking: Asking, picture: str, answer: Answer) -> list[dict[str, Any]]:
        """The answer begun up to each token that is followed."""
        return [
            asking.continuation(picture, before(answer.text, answer.spans[index][0]))
            for index in answer.followed
        ]

    def read(self, replies: Sequence[Reply], answer: Answer) -> Scores:
        """Each token among the likeliest at its place."""
        logprobs, bounded = _nothing(answer)
        for index, reply in zip(answer.followed, replies, strict=True):
            logprobs[index], bounded[index] = chance_of(answer.pieces[index], reply.places[0])
        return Scores(logprobs, bounded)


class LeadingTokens:
    """The endpoint answers freely, and is followed for as long as it says the same."""

    name = "leading-tokens"

    def requests(self, answer: Answer) -> int:
        """One."""
        return 1

    def payloads(self, asking: Asking, picture: str, answer: Answer) -> list[dict[str, Any]]:
        """As many tokens as the answer has."""
        return [asking.generation(picture, len(answer.pieces))]

    def read(self, replies: Sequence[Reply], answer: Answer) -> Scores:
        """Up to the first token that is another one, this included."""
        logprobs, bounded = _nothing(answer)
        for index, (piece, place) in enumerate(zip(answer.pieces, replies[0].places, strict=False)):
            logprobs[index], bounded[index] = chance_of(piece, place)
            if bare(place.piece) != bare(piece):
                break
        return Scores(logprobs, bounded)


def _nothing(answer: Answer) -> tuple[Any, Any]:
    count = len(answer.pieces)
    return np.full(count, np.nan), np.zeros(count, dtype=bool)


def chance_of(piece: bytes, place: Place) -> tuple[float, bool]:
    """The log-probability of a token at a place, and whether it is no more than a bound.

    A token that is not listed is no likelier than the last of the list, and all such tokens together
    have what the list leaves.

    Args:
        piece: what the token writes.
        place: where it is looked for.
    """
    listed = ((place.piece, place.logprob), *place.top)
    for same in (lambda other: other == piece, lambda other: bare(other) == bare(piece) != b""):
        values = [logprob for other, logprob in listed if same(other)]
        if values:
            return max(values), False
    left = 1.0 - math.fsum(math.exp(logprob) for _, logprob in place.top)
    lowest = min(logprob for _, logprob in place.top)
    return min(lowest, math.log(left)) if left > 0 else lowest, True
