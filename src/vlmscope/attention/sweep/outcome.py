"""What a sweep gives back, and how two distributions are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Compared", "Outcome", "Said", "Swept", "compare"]


@dataclass(frozen=True, eq=False)
class Said:
    """The clean answer.

    Attributes:
        text: special tokens left out.
        tokens: text of each token; the end of the answer is not among them.
        logprobs: float (tokens,): log-probability of each, in nats.
        given: it was handed in, the model did not say it here.
    """

    text: str
    tokens: tuple[str, ...]
    logprobs: NDArray[np.float64]
    given: bool


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one knock-out does to the clean answer.

    Attributes:
        logprobs: float (tokens,): of the clean answer's tokens, teacher-forced, in nats.
        kl: float (tokens,): KL(clean || knocked) of the distribution each token was drawn from, nats.
        changed: some token would no longer be the most likely one. Of an answer that the model said
            itself: the greedy answer is another.
        answer: what the model says under the knock-out; None when it was not asked.
        live: False when none of the blocked edges can carry anything to what is read; every number
            is then exactly that of the clean run.
    """

    logprobs: NDArray[np.float64]
    kl: NDArray[np.float64]
    changed: bool
    answer: str | None
    live: bool


@dataclass(frozen=True, eq=False)
class Swept:
    """Everything of one prompt.

    Attributes:
        said: the clean answer; without tokens when the model says nothing, and then no outcomes.
        outcomes: one per case, in order.
        shared: the prompt was run once and resumed; False: every case ran whole.
    """

    said: Said
    outcomes: tuple[Outcome, ...]
    shared: bool


class Compared(NamedTuple):
    """Distributions against the clean ones, (lanes, rows) each, on the CPU."""

    logprobs: Tensor
    kl: Tensor
    picks: Tensor


def compare(clean: Tensor, logits: Tensor, ids: Tensor) -> Compared:
    """Hold next-token distributions against clean ones.

    Args:
        clean: float (rows, vocabulary), logits.
        logits: float (lanes, rows, vocabulary).
        ids: int (rows,): the tokens of the clean answer.
    """
    # in float32 the rounding of each log-probability enters at first order, some 1e-6 nats that no
    # knock-out made; in float64 what remains is quadratic in the rounding of the logits
    precise = torch.float32 if logits.device.type == "mps" else torch.float64  # mps has no float64
    reference = torch.log_softmax(clean, dim=-1, dtype=precise)
    found = torch.log_softmax(logits, dim=-1, dtype=precise)
    chosen = ids.to(found.device)[None, :, None].expand(len(found), -1, -1)
    # a token that is impossible in both adds nothing, not a NaN
    terms = torch.where(reference.isneginf(), 0.0, reference.exp() * (reference - found))
    return Compared(
        found.gather(-1, chosen)[..., 0].double().cpu(),
        terms.sum(-1).clamp_min(0).double().cpu(),
        logits.argmax(-1).cpu(),
    )
