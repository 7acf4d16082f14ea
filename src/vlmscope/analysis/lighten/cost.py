"""What a pass costs a decoder, computed: products and cache, from how many positions each layer holds."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.models import LoadedModel
from vlmscope.models.kept_keys import kept_numbers, query_numbers

__all__ = ["Cost", "pass_cost"]


@dataclass(frozen=True)
class Cost:
    """Of one pass over a prompt.

    Attributes:
        flops: of the decoder's layers: two for each weight of a matrix and position, and four for each
            query, key and width of a head (scores and sums, all keys counted). Vision tower and output
            layer are not in it: nothing of them is saved.
        cache: bytes of keys and values that stay.
    """

    flops: float
    cache: int


def pass_cost(model: LoadedModel, positions: int, after: int, dropped: int) -> Cost:
    """The cost of a prompt.

    Args:
        model: the model.
        positions: of the prompt.
        after: the last layer that holds all of them.
        dropped: how many the layers behind it do not hold.
    """
    config = model.decoder.config
    flops, cached = 0.0, 0
    for number, layer in enumerate(model.layers):
        held = positions if number <= after else positions - dropped
        weights = sum(part.numel() for part in layer.parameters() if part.ndim == 2)
        flops += 2.0 * weights * held + 4.0 * held * held * query_numbers(config, number)
        cached += held * kept_numbers(config, number)
    return Cost(flops, cached * model.dtype.itemsize)
