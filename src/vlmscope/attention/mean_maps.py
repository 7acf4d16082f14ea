"""Maps averaged over heads and layers: what is read of phrases on one image, and what comes of it.

Of averaged maps one per row is kept of every layer and none per head: 32 layers of 32 heads would
otherwise be a thousand maps for each row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.passes import PhrasePass, PhraseSegment
from vlmscope.errors import AttentionError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import TokenMap

__all__ = ["MeanMaps", "MeanReading", "Reading"]

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

    def of_image(self, image: int) -> MeanMaps:
        """What falls on one of the prompt's images, from 0; rows still sum to one over ALL keys."""
        alone, columns = self.token_map.of_image(image)
        rest = None if self.rest is None else self.rest[columns]
        return replace(self, mean=self.mean[columns], rest=rest, token_map=alone)

    @property
    def attention(self) -> NDArray[np.float64]:
        """Float64 (tokens,): the mean over heads, layers and rows."""
        return self.mean


@dataclass(frozen=True)
class MeanReading:
    """Averaged maps, to be read of phrases on one image.

    Attributes:
        phrases: what is asked.
        reading: rows and layers.
    """

    phrases: tuple[Prompt, ...]
    reading: Reading

    @property
    def rows(self) -> str | int | Sequence[int]:
        """The read-out row."""
        return self.reading.rows

    @property
    def preset(self) -> str | None:
        """How the prompts are written."""
        return self.reading.preset

    @property
    def placement(self) -> str | None:
        """How the image is fitted."""
        return self.reading.placement

    @property
    def deepest(self) -> int:
        """The last layer that is read."""
        return self.reading.layers[-1]

    @property
    def same_roles(self) -> bool:
        """The rows of ``rest`` are told once for all prompts of a pass."""
        return self.reading.rest

    def asking(self, phrases: tuple[Prompt, ...]) -> MeanReading:
        """The same of other phrases."""
        return replace(self, phrases=phrases)

    def listener(self, model: LoadedModel, stack: contextlib.ExitStack) -> MeanListener:
        """Reads every pass until the stack is closed.

        Raises:
            AttentionError: rows of an answer where there is none.
        """
        if self.rows in _OF_ANSWERS and any(phrase.answer is None for phrase in self.phrases):
            raise AttentionError(
                f"No row was read: rows={self.rows!r} needs a Prompt with an answer. "
                "Use rows='last_text'."
            )
        return MeanListener(self.reading, model)


@dataclass(eq=False)
class MeanListener:
    """What hears the passes of a :class:`MeanReading`."""

    reading: Reading
    model: LoadedModel
    _traces: list[Trace] = field(default_factory=list)

    def open(self, each: PhrasePass, stack: contextlib.ExitStack) -> None:
        """Before a pass: the rows of ``rest`` are other ones in each."""
        rest: list[int] = []
        if self.reading.rest:
            for segment in each.segments:
                rest += _rest_positions(each.sequence, segment)
        wanted = [self.reading.rows, rest] if rest else [self.reading.rows]
        self._traces = [
            stack.enter_context(
                capture(self.model, rows=rows, layers=self.reading.layers, average=True)
            )
            for rows in wanted
        ]

    def heard(self, each: PhrasePass) -> dict[int, MeanMaps]:
        """Of a pass that ran, by the index of each phrase in it."""
        read = [_Rows.of(trace, each.item) for trace in self._traces]
        by_phrase = {}
        for segment in each.segments:
            mine = [rows.of_segment(segment) for rows in read]
            by_phrase[segment.index] = _mean_maps(self.model, self.reading, segment, mine, each)
        return by_phrase


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of one pass: int (rows,) positions and float64 (rows, tokens) means."""

    positions: NDArray[np.int64]
    means: NDArray[np.float64]

    @classmethod
    def of(cls, trace: Trace, item: int) -> _Rows:
        # float32 (layers, 1, rows, tokens): the heads are averaged already
        return cls(
            trace.row_positions(item).numpy(), trace.of(item)[:, 0].double().mean(dim=0).numpy()
        )

    def of_segment(self, segment: PhraseSegment) -> _Rows:
        inside = segment.among(self.positions)
        return _Rows(self.positions[inside], self.means[inside])


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
    each: PhrasePass,
) -> MeanMaps:
    """Rows of one phrase of a pass, averaged."""
    token_map = segment.token_map
    means = [token_map.carried(rows.means.mean(axis=0)) for rows in read]
    words = [each.words(rows.positions) for rows in read]
    return MeanMaps(
        mean=means[0],
        rest=means[1] if reading.rest else None,
        reading=reading,
        token_map=token_map.on_cells(),
        preset=model.resolve_preset(reading.preset),
        row_tokens=words[0],
        rest_tokens=words[1] if reading.rest else (),
    )
