"""Maps of attention on the image: of many heads, or averaged, for many phrases on one image.

Of averaged maps one per row is kept of every layer and none per head: 32 layers of 32 heads would
otherwise be a thousand maps for each row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.prefill import PhrasePass, PhraseSegment, phrase_passes
from vlmscope.attention.prefix import SharedPrefix
from vlmscope.errors import AttentionError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.post.maps import check_finite
from vlmscope.types import Head, TokenMap

__all__ = [
    "HeadMaps",
    "MeanMaps",
    "Reading",
    "captured",
    "image_layers",
    "read_heads",
    "read_means",
]

_OF_ANSWERS = ("generated", "box")


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


def read_heads(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrases: Sequence[str | Prompt],
    *,
    rows: str | int | Sequence[int] = "last_text",
    heads: Sequence[tuple[int, int]] | None = None,
    first_layer: int = 0,
    preset: str | None = None,
    placement: str | None = None,
    prefix: SharedPrefix | None = None,
) -> list[HeadMaps]:
    """Read heads for every phrase on one image, computing nothing above the deepest of them.

    In causal families the image is encoded once for all phrases; others run phrase by phrase.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        phrases: what is asked.
        rows: the read-out row, as for :func:`vlmscope.capture`.
        heads: (layer, head) pairs; None: all heads from ``first_layer`` on.
        first_layer: layers below it are computed but not read.
        preset, placement: as for :func:`vlmscope.prefill`.
        prefix: as for :func:`phrase_passes`.

    Returns:
        One :class:`HeadMaps` per phrase, in order.
    """
    wanted = _wanted(model, heads, first_layer)
    name = model.resolve_preset(preset)
    by_phrase: dict[int, HeadMaps] = {}
    with capture(model, rows=rows, heads=wanted) as trace:
        for each in phrase_passes(
            model,
            pixels,
            phrases,
            rows=rows,
            preset=name,
            placement=placement,
            deepest=max(layer for layer, _ in wanted),
            prefix=prefix,
        ):
            each.forward()
            maps, positions = trace.rows_of(wanted).numpy(), trace.row_positions().numpy()
            for segment in each.segments:
                mine = segment.among(positions)
                words = _words(each.sequence, positions[mine])
                by_phrase[segment.index] = _on_cells(
                    wanted, maps[:, mine], segment.token_map, name, words
                )
    return [by_phrase[index] for index in range(len(phrases))]


def _wanted(
    model: LoadedModel, heads: Sequence[tuple[int, int]] | None, first_layer: int
) -> tuple[Head, ...]:
    if heads is not None:
        return tuple(Head(int(layer), int(head)) for layer, head in heads)
    layers, width = model.decoder_shape
    return tuple(Head(layer, head) for layer in range(first_layer, layers) for head in range(width))


def _words(sequence: TokenMap, positions: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(sequence.tokens[int(position)] for position in positions)


def captured(trace: Trace, heads: Sequence[tuple[int, int]], preset: str) -> HeadMaps:
    """What a trace of one prompt holds, as :func:`read_heads` gives it.

    Args:
        trace: of a prefill or generation of one item; it keeps image keys.
        heads: (layer, head) pairs that were read.
        preset: how the prompt was written.
    """
    tokens = trace.token_map
    words = _words(tokens, trace.row_positions().numpy())
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

    def of_segment(self, segment: PhraseSegment) -> _Rows:
        inside = segment.among(self.positions)
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
    results: dict[int, MeanMaps] = {}
    for each in phrase_passes(
        model,
        pixels,
        phrases,
        rows=reading.rows,
        preset=reading.preset,
        placement=reading.placement,
        deepest=reading.layers[-1],
    ):
        read = _rows_of(model, reading, each)
        for segment in each.segments:
            mine = [rows.of_segment(segment) for rows in read]
            results[segment.index] = _mean_maps(model, reading, segment, mine, each.sequence)
    return [results[index] for index in range(len(phrases))]


def _rows_of(model: LoadedModel, reading: Reading, each: PhrasePass) -> list[_Rows]:
    """The rows that one pass computes: those asked for, then those of ``rest``, if there are any."""
    rest: list[int] = []
    if reading.rest:
        for segment in each.segments:
            rest += _rest_positions(each.sequence, segment)
    wanted = [reading.rows, rest] if rest else [reading.rows]
    with contextlib.ExitStack() as stack:
        traces = [
            stack.enter_context(capture(model, rows=rows, layers=reading.layers, average=True))
            for rows in wanted
        ]
        each.forward()
    return [_Rows.of(trace) for trace in traces]


def _rest_positions(tokens: TokenMap, segment: PhraseSegment) -> list[int]:
    """Of one prompt in a sequence: the rows that predict its answer, else those of its query."""
    answer = tokens.positions("generated")
    answer = answer[segment.among(answer)]
    if len(answer):
        return [int(position) - 1 for position in answer]  # the row before predicts the token
    query = tokens.positions("query")
    return [int(position) for position in query[segment.among(query)]]


def _mean_maps(
    model: LoadedModel,
    reading: Reading,
    segment: PhraseSegment,
    read: Sequence[_Rows],
    sequence: TokenMap,
) -> MeanMaps:
    """Rows of one phrase, averaged; ``sequence`` says what the positions of the rows are."""
    token_map = segment.token_map
    means = [token_map.carried(rows.means.mean(axis=0)) for rows in read]
    words = [_words(sequence, rows.positions) for rows in read]
    return MeanMaps(
        mean=means[0],
        rest=means[1] if reading.rest else None,
        reading=reading,
        token_map=token_map.on_cells(),
        preset=model.resolve_preset(reading.preset),
        row_tokens=words[0],
        rest_tokens=words[1] if reading.rest else (),
    )
