"""From the log-probabilities of an answer's tokens to one number a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.endpoint.answer import Scores
from vlmscope.analysis.endpoint.probe import Grasp
from vlmscope.errors import EndpointError

__all__ = ["Followed"]


@dataclass(frozen=True, eq=False)
class Followed:
    """The tokens that are followed and could be scored on the unchanged picture.

    Attributes:
        tokens: their indices.
        clean: float (tokens,): their log-probabilities there.
        again: the same, asked a second time.
    """

    tokens: tuple[int, ...]
    clean: NDArray[np.float64] = field(repr=False)
    again: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, grasp: Grasp) -> Followed:
        """Of an answer that was scored twice.

        Raises:
            EndpointError: none of the tokens could be scored.
        """
        first, again = (each.logprobs for each in grasp.clean)
        tokens = tuple(
            index
            for index in grasp.answer.followed
            if np.isfinite(first[index]) and np.isfinite(again[index])
        )
        if not tokens:
            raise EndpointError(
                f"By {grasp.way.name} no token that is followed can be scored: the endpoint answers "
                "something else before it. Follow its own answer, or use an endpoint that can go on from one "
                "that is given."
            )
        return cls(tokens, first[list(tokens)], again[list(tokens)])

    def drops(self, scores: Sequence[Scores], how: str) -> NDArray[np.float64]:
        """What the answer's log-probability loses: float (pictures,), in nats.

        A token that could not be scored counts as unchanged: what it loses is not known.

        Args:
            scores: per picture.
            how: ``sum`` or ``mean`` over the tokens.
        """
        lost = self.clean - self._values(scores)
        drops: NDArray[np.float64] = lost.sum(axis=1) if how == "sum" else lost.mean(axis=1)
        return drops

    def probabilities(self, scores: Sequence[Scores]) -> NDArray[np.float64]:
        """Float (pictures,): exp of the mean log-probability of the tokens."""
        probabilities: NDArray[np.float64] = np.exp(self._values(scores).mean(axis=1))
        return probabilities

    def noise(self, how: str) -> float:
        """By how much the unchanged picture differs from itself, in the unit of :meth:`drops`."""
        apart = self.clean - self.again
        return float(abs(apart.sum() if how == "sum" else apart.mean()))

    def counts(self, scores: Sequence[Scores]) -> dict[str, int]:
        """Values by how they are known: ``exact``, ``bounded`` (at most) and ``unknown``."""
        chosen = list(self.tokens)
        unknown = sum(int(np.isnan(each.logprobs[chosen]).sum()) for each in scores)
        bounded = sum(int(each.bounded[chosen].sum()) for each in scores)
        every = len(scores) * len(chosen)
        return {"exact": every - unknown - bounded, "bounded": bounded, "unknown": unknown}

    def _values(self, scores: Sequence[Scores]) -> NDArray[np.float64]:
        values = np.stack([each.logprobs[list(self.tokens)] for each in scores])
        return np.where(np.isnan(values), self.clean, values)
