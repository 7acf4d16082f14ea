"""What a sweep gives back: the clean answer, and the effect of each knock-out on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["CleanAnswer", "Comparison", "Effect", "SweepResult", "compare", "token_logprobs"]


@dataclass(frozen=True, eq=False)
class SweepResult:
    """Everything of one prompt.

    Attributes:
        answer: without tokens when the model says nothing, and then there are no effects.
        effects: one per knock-out, in order.
        resumed: the prompt was run once and resumed; False: every knock-out was a full pass.
    """

    answer: CleanAnswer
    effects: tuple[Effect, ...]
    resumed: bool


@dataclass(frozen=True, eq=False)
class CleanAnswer:
    """The answer without a knock-out.

    Attributes:
        text: special tokens left out.
        tokens: text of each token; the end of the answer is not among them.
        logprobs: float (tokens,): log-probability of each, in nats.
        handed_in: it came with the prompt, the model did not say it here.
        ids: int per token, as the vocabulary numbers them.
    """

    text: str
    tokens: tuple[str, ...]
    logprobs: NDArray[np.float64]
    handed_in: bool
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Effect:
    """What one knock-out does to the clean answer.

    Attributes:
        logprobs: float (tokens,): of the clean answer's tokens, teacher-forced, in nats.
        kl: float (tokens,): KL(clean || knocked) of the distribution each token was drawn from, nats.
        changed: some token would no longer be the most likely one. Of an answer that the model said
            itself: the greedy answer is another.
        answer: what the model says under the knock-out; None when it was not asked.
        replayed: False when none of the blocked edges can carry anything to what is scored; nothing
            is run then, and every number is exactly that of the clean run.
    """

    logprobs: NDArray[np.float64]
    kl: NDArray[np.float64]
    changed: bool
    answer: str | None
    replayed: bool

    @classmethod
    def none(cls, clean: CleanAnswer, ask: bool) -> Effect:
        """Of a knock-out that changes nothing; ``ask``: whether answers are wanted."""
        text = clean.text if ask else None
        return cls(clean.logprobs, np.zeros_like(clean.logprobs), False, text, replayed=False)


class Comparison(NamedTuple):
    """Distributions against the clean ones, (knock-outs, rows) each, on the CPU."""

    logprobs: Tensor
    kl: Tensor
    likeliest: Tensor


def compare(clean: Tensor, logits: Tensor, ids: Tensor) -> Comparison:
    """Hold next-token distributions against clean ones.

    Args:
        clean: float (rows, vocabulary), logits.
        logits: float (knock-outs, rows, vocabulary).
        ids: int (rows,): the tokens of the clean answer.
    """
    reference = _log_softmax(clean)
    weights = reference.exp()
    impossible = reference.isneginf()
    chosen = ids.to(logits.device)[:, None]
    logprobs, distances = [], []
    for knocked in logits:  # one by one: what lies in the processor's caches is not fetched again
        scores = _log_softmax(knocked)
        logprobs.append(scores.gather(-1, chosen)[:, 0])
        # a token that is impossible in both adds nothing, not a NaN
        terms = torch.where(impossible, 0.0, weights * (reference - scores))
        distances.append(terms.sum(-1).clamp_min(0))
    return Comparison(
        torch.stack(logprobs).double().cpu(),
        torch.stack(distances).double().cpu(),
        logits.argmax(-1).cpu(),
    )


def token_logprobs(logits: Tensor, ids: Tensor) -> Tensor:
    """Of the tokens of an answer alone: double (knock-outs, rows) on the CPU.

    Args:
        logits: float (knock-outs, rows, vocabulary).
        ids: int (rows,).
    """
    chosen = ids.to(logits.device)[:, None]
    picked = [_log_softmax(knocked).gather(-1, chosen)[:, 0] for knocked in logits]
    return torch.stack(picked).double().cpu()


def _log_softmax(logits: Tensor) -> Tensor:
    # in float32 the rounding of each log-probability enters at first order, some 1e-6 nats that no
    # knock-out made; in float64 what remains is quadratic in the rounding of the logits
    precise = torch.float32 if logits.device.type == "mps" else torch.float64  # mps has no float64
    return torch.log_softmax(logits, dim=-1, dtype=precise)
