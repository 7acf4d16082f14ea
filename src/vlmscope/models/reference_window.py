"""A key-value cache for decoders whose answers see the prompt and a window of themselves.

Unlimited-OCR's own cache throws away what leaves the window, from the middle of the sequence, so keys no
longer stand where their positions are. This one keeps every key: the window is in the masks alone, which the
model makes from the length of the prompt.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

__all__ = ["reference_window_cache"]


class _KeepingLayer(DynamicLayer):
    """Keys and values of one layer, and how many of them are the prompt's.

    Attributes:
        prefill_length: positions that every later one sees: those read before the first single one; None
            as long as only longer pieces were read.
        sliding_window: of the answer.
    """

    def __init__(self, sliding_window: int) -> None:
        super().__init__()
        # by the instance: a class that names a kind takes its place in all of transformers' caches
        self._layer_type = "reference_sliding_attention"
        self.sliding_window = sliding_window
        self.prefill_length: int | None = None

    def set_prefill_length(self, prefill_length: int) -> None:
        """Said by ``generate`` before its first pass."""
        if self.prefill_length is None:
            self.prefill_length = prefill_length

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        read = self.get_seq_length()
        if key_states.shape[-2] == 1 and read:
            self.set_prefill_length(read)
        keys, values = super().update(key_states, value_states, *args, **kwargs)
        return keys, values

    def crop(self, tokens_to_remove: int) -> None:
        super().crop(tokens_to_remove)
        if self.prefill_length is not None and self.get_seq_length() <= self.prefill_length:
            self.prefill_length = None


def reference_window_cache(config: Any) -> Cache:
    """An empty cache for the decoder of ``config``."""
    window = int(config.sliding_window)
    return Cache(layers=[_KeepingLayer(window) for _ in range(int(config.num_hidden_layers))])
