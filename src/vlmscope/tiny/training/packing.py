"""Many independent questions behind one image, in one sequence.

The sequence is a prefix (begin token, system sentence, image tokens) and then the exchanges, one
after another. A block mask lets each exchange see the prefix and itself only, and positions start
again after the prefix, so that every exchange is computed as if it stood alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlmscope.tiny.model.tokenizer import BOS, EOS, IMAGE, encode
from vlmscope.tiny.world.language import Exchange
from vlmscope.tiny.world.words import SYSTEM

if TYPE_CHECKING:
    import torch

__all__ = ["FIELDS", "block_mask", "pack", "positions", "prefix_ids"]

FIELDS = ("ids", "segment", "offset", "weight")
"""Rows of a packed text: token ids; the exchange a token belongs to, from 1, 0 is padding; the
place in its exchange; the weight, in hundredths, of predicting this token from the one before."""

_FUNCTION_WORDS = frozenset(["a", "an", "the", "at", "on", "in", "of", "and"])
_MINOR, _CAPTION = 20, 40  # hundredths, against 100 for a word that answers a question


def pack(
    exchanges: Iterable[Exchange], table: dict[str, int], length: int, misses: int = 4
) -> NDArray[np.uint8]:
    """Fill a row with exchanges until ``misses`` of them did not fit.

    Args:
        exchanges: taken in order; may be endless.
        table: word -> token id.
        length: text tokens in the row.
        misses: how many exchanges that are too long for the rest are passed over.

    Returns:
        uint8 (4, length), rows as in ``FIELDS``.
    """
    row = np.zeros((4, length), dtype=np.uint8)
    start, segment = 0, 0
    for exchange in exchanges:
        prompt = encode(exchange.prompt, table)
        answer = [*encode(exchange.answer, table), EOS]
        stop = start + len(prompt) + len(answer)
        if stop > length:
            misses -= 1
            if misses <= 0:
                break
            continue
        segment += 1
        row[0, start:stop] = prompt + answer
        row[1, start:stop] = segment
        row[2, start:stop] = np.arange(stop - start)
        row[3, stop - len(answer) : stop] = _weights(exchange)
        start = stop
    return row


def _weights(exchange: Exchange) -> list[int]:
    full = _CAPTION if exchange.kind == "caption" else 100
    return [
        min(full, _MINOR) if word in _FUNCTION_WORDS else full for word in exchange.answer.split()
    ] + [_MINOR]


def prefix_ids(table: dict[str, int], image_tokens: int, system: bool = True) -> list[int]:
    """Ids of everything before the text: begin token, system sentence, image tokens."""
    opening = encode(SYSTEM, table) if system else []
    return [BOS, *opening, *[IMAGE] * image_tokens]


def block_mask(segment: torch.Tensor, prefix: int) -> torch.Tensor:
    """Which position may attend to which.

    Args:
        segment: integer (batch, text).
        prefix: length of the prefix.

    Returns:
        bool (batch, 1, prefix + text, prefix + text), rows attend to columns.
    """
    import torch

    batch, text = segment.shape
    everything = prefix + text
    causal = torch.ones(everything, everything, dtype=torch.bool, device=segment.device).tril()
    allowed = causal.repeat(batch, 1, 1, 1)
    same = segment[:, None, :, None] == segment[:, None, None, :]
    allowed[:, :, prefix:, prefix:] &= same
    return allowed


def positions(offset: torch.Tensor, prefix: int) -> torch.Tensor:
    """Integer (batch, prefix + text): positions that start again after the prefix."""
    import torch

    shared = torch.arange(prefix, device=offset.device).expand(offset.shape[0], -1)
    return torch.cat([shared, offset.long() + prefix], dim=1)
