"""A temperature that needs no tuning: rows attend to a set share of the tokens, whatever the width.

GEM's adaptive temperature (mean token norm / sqrt(head dim)) is 1 to 2 on narrow models: unit vectors
then have logits within +-2, the softmax is almost flat and each iteration averages everything away. The
perplexity of a row, exp(entropy), counts how many tokens it attends to; fixing its mean as a share of
the tokens fixes what the temperature is there for.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["perplexity_temperature"]

_ROWS = 32
_STEPS = 12
_RANGE = (0.5, 512.0)


@torch.no_grad()
def perplexity_temperature(unit: Tensor, share: float) -> Tensor:
    """The inverse temperature at which the mean perplexity of softmax(t p p^T) is share * tokens.

    Args:
        unit: (batch, heads, tokens, head_dim), unit vectors.
        share: of the tokens, 0..1.

    Returns:
        (batch,) float32, found by bisection in log t on evenly spaced rows; clipped to 0.5..512.
    """
    tokens = unit.shape[2]
    rows = torch.linspace(0, tokens - 1, min(_ROWS, tokens), device=unit.device).round().long()
    logits = (unit[:, :, rows] @ unit.transpose(-1, -2)).float()  # (batch, heads, rows, tokens)
    target = max(share * tokens, 1.0)
    low = torch.full((unit.shape[0],), _RANGE[0], device=unit.device).log()
    high = torch.full_like(low, _RANGE[1]).log()
    for _ in range(_STEPS):
        middle = (low + high) / 2
        too_flat = _mean_perplexity(logits, middle.exp()) > target
        low = torch.where(too_flat, middle, low)
        high = torch.where(too_flat, high, middle)
    return ((low + high) / 2).exp()


def _mean_perplexity(logits: Tensor, temperature: Tensor) -> Tensor:
    """(batch,): mean over heads and rows of exp(entropy)."""
    log_p = torch.log_softmax(logits * temperature[:, None, None, None], dim=-1)
    entropy = -(log_p.exp() * log_p).sum(dim=-1)
    return entropy.exp().mean(dim=(1, 2))
