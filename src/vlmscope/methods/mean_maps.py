"""Attention on the image, averaged over all heads of chosen layers while the model runs.

One map per row is kept of every layer and none per head: 32 layers of 32 heads would otherwise be a
thousand maps for each row. Where the image comes before the text it is run once for all phrases.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import Trace, capture, shared_prefix
from vlmscope.attention.prefill import run
from vlmscope.errors import AttentionError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.model import token_map
from vlmscope.types import TokenMap

__all__ = ["MeanMaps", "Reading", "image_layers", "read_means"]

_OF_ANSWERS = ("generated", "box")


@dataclass(frozen=True)
class Reading:
    """What is read.

    Attributes:
        rows: the read-out row, as for :func:`vlmscope.capture`.
        layers: ascending.
        preset, placement: as for :func:`vlmscope.prefill`.
        rest: also read the rows of :attr:`MeanMaps.rest`.
    """

    rows: str | int | Sequence[int]
    layers: tuple[int, ...]
    preset: str | None = None
    placement: str | None = None
    rest: bool = False

    @property
    def record(self) -> dict[str, Any]:
        """Rows and layers as JSON values."""
        rows = self.rows if isinstance(self.rows, str | int) else list(self.rows)
        return {"rows": rows, "layers": list(self.layers)}


@dataclass(frozen=True, eq=False)
class MeanMaps:
    """Attention of one phrase on the image, averaged over heads, layers and rows.

    Attributes:
        mean: float64 (tokens,), the mean over the rows that were asked for, softmax over ALL keys.
        rest: float64 (tokens,), the mean over the rows that predict the answer, or without an
            answer over the rows of every prompt token after the image; None: not asked for.
        reading: what was asked for.
        token_map: of the phrase's own prompt; of query tokens (Q-Former): its cells.
        preset: how the prompt was written.
        row_tokens: text of the tokens whose rows were asked for.
        rest_tokens: text of the tokens whose rows are in ``rest``.
    """

    mean: NDArray[np.float64]
    rest: NDArray[np.float64] | None
    reading: Reading
    token_map: TokenMap
    preset: str
    row_tokens: tuple[str, ...]
    rest_tokens: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of one pass: int (rows,) positions and float64 (rows, tokens) means."""

    positions: NDArray[np.int64]
    means: NDArray[np.float64]

    @classmethod
    def of(cls, trace: Trace) -> _Rows:
        # float32 (layers, 1, rows, tokens): the heads are averaged already
        return cls(trace.row_positions().numpy(), trace.maps[:, 0].double().mean(dim=0).numpy())

    def between(self, start: int, end: int) -> _Rows:
        inside = (self.positions >= start) & (self.positions < end)
        return _Rows(self.positions[inside], self.means[inside])


def image_layers(model: LoadedModel) -> tuple[int, ...]:
    """Layers that can look at the image, ascending: all but where only some layers are crossed."""
    if model.family.crossed:
        return tuple(sorted(model.family.cross_layers(model.hf)))
    return tuple(range(model.decoder_shape[0]))


def read_means(
    model: LoadedModel, pixels: NDArray[np.uint8], phrases: Sequence[Prompt], reading: Reading
) -> list[MeanMaps]:
    """Read every phrase on one image; nothing above the last layer asked for is computed.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        phrases: what is asked.
        reading: rows and layers.

    Raises:
        AttentionError: rows of an answer where there is none.
    """
    if reading.rows in _OF_ANSWERS and any(phrase.answer is None for phrase in phrases):
        raise AttentionError(
            f"No row was read: rows={reading.rows!r} needs a Prompt with an answer. "
            "Use rows='last_text'."
        )
    # named rows are found in every phrase of a pack; numbered ones count within one prompt
    named = isinstance(reading.rows, str)
    if named and model.family.causal_image and len(phrases) > 1:
        return _packed(model, pixels, phrases, reading)
    return [_whole(model, pixels, phrase, reading) for phrase in phrases]


def _whole(
    model: LoadedModel, pixels: NDArray[np.uint8], phrase: Prompt, reading: Reading
) -> MeanMaps:
    encoded = model.encode([pixels], [phrase], preset=reading.preset, placement=reading.placement)
    tokens = encoded.token_maps[0]
    rest = _rest_positions(tokens, 0, len(tokens)) if reading.rest else []

    def forward() -> None:
        run(model, encoded, stop_after=reading.layers[-1])

    found = _rows_of(model, reading, rest, forward)
    return _mean_maps(model, reading, tokens, found, tokens)


def _packed(
    model: LoadedModel, pixels: NDArray[np.uint8], phrases: Sequence[Prompt], reading: Reading
) -> list[MeanMaps]:
    prefix = shared_prefix(
        model,
        pixels,
        preset=reading.preset,
        placement=reading.placement,
        stop_after=reading.layers[-1],
    )
    texts = prefix.encode(phrases)
    results: dict[int, MeanMaps] = {}
    for indices, pack in prefix.packs(texts):
        segments, packed = pack.segments, pack.token_map
        each = [_rest_positions(packed, *segment) for segment in segments]
        rest = list(itertools.chain.from_iterable(each)) if reading.rest else []
        found = _rows_of(model, reading, rest, partial(prefix.run, pack))
        for index, segment in zip(indices, segments, strict=True):
            own = token_map(texts[index], [prefix.image], [prefix.image_size])
            mine = [rows.between(*segment) for rows in found]
            results[index] = _mean_maps(model, reading, own, mine, packed)
    return [results[index] for index in range(len(phrases))]


def _rows_of(
    model: LoadedModel, reading: Reading, rest: Sequence[int], forward: Callable[[], None]
) -> list[_Rows]:
    """The rows that one pass computes: those asked for, then those of ``rest``, if there are any."""
    wanted = [reading.rows, rest] if rest else [reading.rows]
    with contextlib.ExitStack() as stack:
        traces = [
            stack.enter_context(capture(model, rows=rows, layers=reading.layers, average=True))
            for rows in wanted
        ]
        forward()
    return [_Rows.of(trace) for trace in traces]


def _rest_positions(tokens: TokenMap, start: int, end: int) -> list[int]:
    """Of one prompt in a sequence: the rows that predict its answer, else those of its query."""
    answer = tokens.positions("generated")
    answer = answer[(answer >= start) & (answer < end)]
    if len(answer):
        return [int(position) - 1 for position in answer]  # the row before predicts the token
    query = tokens.positions("query")
    return [int(position) for position in query if start <= position < end]


def _mean_maps(
    model: LoadedModel,
    reading: Reading,
    own: TokenMap,
    found: Sequence[_Rows],
    sequence: TokenMap,
) -> MeanMaps:
    """Rows of one phrase, averaged; ``sequence`` says what the positions of the rows are."""
    means = [own.carried(rows.means.mean(axis=0)) for rows in found]
    words = [tuple(sequence.tokens[position] for position in rows.positions) for rows in found]
    return MeanMaps(
        mean=means[0],
        rest=means[1] if reading.rest else None,
        reading=reading,
        token_map=own.on_cells(),
        preset=model.resolve_preset(reading.preset),
        row_tokens=words[0],
        rest_tokens=words[1] if reading.rest else (),
    )
