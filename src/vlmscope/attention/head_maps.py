"""Maps of chosen heads: what is read of phrases on one image, and what comes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.passes import PhrasePass
from vlmscope.errors import AttentionError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.post.maps import check_finite
from vlmscope.types import Head, TokenMap

__all__ = ["HeadMaps", "HeadReading", "captured"]


@dataclass(frozen=True, eq=False)
class HeadMaps:
    """Attention of chosen heads for one phrase.

    Attributes:
        heads: the first axis of ``maps``.
        maps: float32 (heads, rows, tokens), softmax over ALL keys, cut to the image tokens in
            ``token_map.image_positions`` order; of query tokens (Q-Former), carried to the cells.
        token_map: of the phrase's own prompt.
        preset: how the prompt was written.
        row_tokens: text of the tokens whose rows were read.
    """

    heads: tuple[Head, ...]
    maps: NDArray[np.float32]
    token_map: TokenMap
    preset: str
    row_tokens: tuple[str, ...]

    def of_image(self, image: int) -> HeadMaps:
        """What falls on one of the prompt's images, from 0; rows still sum to one over ALL keys."""
        alone, columns = self.token_map.of_image(image)
        return replace(self, maps=self.maps[..., columns], token_map=alone)

    @property
    def attention(self) -> NDArray[np.float64]:
        """Float64 (tokens,): the mean over heads and rows."""
        return self.one_row().mean(axis=0)

    def one_row(self) -> NDArray[np.float64]:
        """The mean over the rows that were read: float64 (heads, tokens).

        Raises:
            AttentionError: no row was read, or attention is not finite.
        """
        if self.maps.shape[1] == 0:
            raise AttentionError(
                "No row was read: rows='generated' needs a Prompt with an answer. "
                "Use rows='last_text'."
            )
        values: NDArray[np.float64] = check_finite(self.maps).mean(axis=1)
        return values


@dataclass(frozen=True)
class HeadReading:
    """Single heads, to be read of phrases on one image.

    Attributes:
        phrases: what is asked.
        heads: (layer, head) pairs, one at least.
        rows: the read-out row, as for :func:`vlmscope.capture`.
        preset, placement: as for :func:`vlmscope.prefill`.
    """

    phrases: tuple[Prompt, ...]
    heads: tuple[Head, ...]
    rows: str | int | Sequence[int] = "last_text"
    preset: str | None = None
    placement: str | None = None

    @property
    def deepest(self) -> int:
        """The last layer that is read."""
        return max(layer for layer, _ in self.heads)

    @property
    def same_roles(self) -> bool:
        """Rows are told prompt by prompt."""
        return False

    def asking(self, phrases: tuple[Prompt, ...]) -> HeadReading:
        """The same of other phrases."""
        return replace(self, phrases=phrases)

    def listener(self, model: LoadedModel, stack: contextlib.ExitStack) -> HeadListener:
        """Reads every pass until the stack is closed."""
        trace = stack.enter_context(capture(model, rows=self.rows, heads=self.heads))
        return HeadListener(self, model.resolve_preset(self.preset), trace)


@dataclass(frozen=True, eq=False)
class HeadListener:
    """What hears the passes of a :class:`HeadReading`."""

    reading: HeadReading
    preset: str
    trace: Trace

    def open(self, each: PhrasePass, stack: contextlib.ExitStack) -> None:
        """Nothing is to be known of a pass before it runs."""

    def heard(self, each: PhrasePass) -> dict[int, HeadMaps]:
        """Of a pass that ran, by the index of each phrase in it."""
        heads = self.reading.heads
        maps = self.trace.rows_of(heads, each.item).numpy()
        positions = self.trace.row_positions(each.item).numpy()
        by_phrase = {}
        for segment in each.segments:
            mine = segment.among(positions)
            words = each.words(positions[mine])
            by_phrase[segment.index] = _on_cells(
                heads, maps[:, mine], segment.token_map, self.preset, words
            )
        return by_phrase


def captured(trace: Trace, heads: Sequence[tuple[int, int]], preset: str) -> HeadMaps:
    """What a trace of one prompt holds, as :func:`read_heads` gives it.

    Args:
        trace: of a prefill or generation of one item; it keeps image keys.
        heads: (layer, head) pairs that were read.
        preset: how the prompt was written.
    """
    tokens = trace.token_map
    words = tuple(tokens.tokens[int(each)] for each in trace.row_positions())
    chosen = tuple(Head(int(layer), int(head)) for layer, head in heads)
    return _on_cells(chosen, trace.rows_of(chosen).numpy(), tokens, preset, words)


def _on_cells(
    heads: tuple[Head, ...],
    maps: NDArray[np.float32],
    tokens: TokenMap,
    preset: str,
    words: tuple[str, ...],
) -> HeadMaps:
    """Query tokens lie nowhere: what they attend to is handed on to the cells they were made of."""
    spread = tokens.carried(maps).astype(np.float32) if tokens.carries else maps
    return HeadMaps(heads, spread, tokens.on_cells(), preset, words)
