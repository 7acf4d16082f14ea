"""What each word of an answer looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.tokens.picture import caption_picture
from vlmscope.analysis.tokens.ranges import mean_over_layers
from vlmscope.analysis.tokens.report import tokens_page
from vlmscope.analysis.tokens.table import CAVEAT, TOKENS_COLUMNS, tokens_table
from vlmscope.analysis.tokens.words import Word
from vlmscope.errors import AttentionError
from vlmscope.markup import card, clean, one_line, picture, shorten, table
from vlmscope.results import Grounding
from vlmscope.results.geometry_blocks import NOTEBOOK_SIDE, SIDE
from vlmscope.types import TokenMap
from vlmscope.viewer import View

__all__ = ["CAVEAT", "GroundedAnswer", "GroundedWord"]


@dataclass(frozen=True, eq=False)
class GroundedWord:
    """One word.

    Attributes:
        word: text, characters, tokens.
        maps: float32 (layers, tokens): attention of the word's rows to the image tokens, mean over
            its rows and the heads that were read; NaN in layers that have no attention rows.
        share: float (layers,): attention on all image tokens, 0..1; NaN as there.
        blank_share: float (layers,): the same on a blank image of the same size.
        log_prob: sum over the word's tokens, given the image.
        blank_log_prob: given the blank image.
        blocked_log_prob: given the image, but the answer may not read it anywhere.
        lost: with the image blocked the model would no longer say this word.
    """

    word: Word
    maps: NDArray[np.float32] = field(repr=False)
    share: NDArray[np.float64] = field(repr=False)
    blank_share: NDArray[np.float64] = field(repr=False)
    log_prob: float
    blank_log_prob: float
    blocked_log_prob: float
    lost: bool

    @property
    def text(self) -> str:
        """As it is written."""
        return self.word.text

    def attention_over_blank(self, layers: slice = slice(None)) -> float:
        """How much more attention goes to this image than to a blank one, mean over layers."""
        return mean_over_layers(self.share[layers] - self.blank_share[layers])

    @property
    def maybe_guessed(self) -> bool:
        """Attention to the image is no more than to a blank one: a hint, see :data:`CAVEAT`."""
        return self.attention_over_blank() <= 0.0

    @property
    def gain(self) -> float:
        """How much likelier the image makes the word than a blank one does, in nats."""
        return self.log_prob - self.blank_log_prob


@dataclass(frozen=True, eq=False)
class GroundedAnswer:
    """An answer, word by word, and its noun phrases as groundings.

    Attributes:
        text: the answer.
        prompt: what was asked.
        image: uint8 (height, width, 3).
        words: in order, punctuation left out.
        phrases: groundings of the noun phrases; ``details["words"]`` names their words.
        token_map: of prompt and answer, on cells.
        layers: (first, last) layer of the maps that boxes are made from.
        run: everything needed to repeat the run.
        warnings: sentences to read before trusting it.
    """

    text: str
    prompt: str
    image: NDArray[np.uint8] = field(repr=False)
    words: tuple[GroundedWord, ...]
    phrases: tuple[Grounding, ...]
    token_map: TokenMap = field(repr=False)
    layers: tuple[int, int]
    run: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lost = sum(word.lost for word in self.words)
        return one_line(
            self,
            f"{shorten(self.text, 120)!r} by {self.run['model']}",
            f"{len(self.words)} words, {lost} lost without the image",
            f"phrases: {', '.join(phrase.phrase for phrase in self.phrases)}",
        )

    def _repr_html_(self) -> str:
        has_text = bool(clean(self.text))
        shown = card(
            f"What {self.run['model']} looked at",
            picture(caption_picture(self), "A box for each noun phrase") if has_text else "",
            table(tokens_table(self), TOKENS_COLUMNS),
            lead=f"“{shorten(self.prompt, 200)}”: {shorten(self.text, 400)}",
            notes=(*self.warnings, CAVEAT),
        )
        return self.view(side=NOTEBOOK_SIDE).inline(shown)

    def view(self, *, side: int = SIDE) -> View:
        """What the viewer draws: the page of :func:`vlmscope.analysis.tokens.report.tokens_page`.

        Args:
            side: pixels of the longer side of the image in it at most.
        """
        return tokens_page(self, side=side).view()

    def map_of(
        self, words: int | Sequence[int], layers: tuple[int, int] | None = None
    ) -> NDArray[np.float64]:
        """Float (tokens,): the mean map of words over a range of layers, both ends included.

        Layers that have no attention rows are left out.

        Raises:
            AttentionError: a word or layer that does not exist.
        """
        first, last = self.layers if layers is None else layers
        count = len(self.words[0].maps) if self.words else 0
        if not 0 <= first <= last < count:
            raise AttentionError(
                f"Layers are 0 to {count - 1}, first before last; got {first} to {last}."
            )
        chosen = [words] if isinstance(words, int) else list(words)
        if not chosen or not all(0 <= index < len(self.words) for index in chosen):
            raise AttentionError(f"Words are 0 to {len(self.words) - 1}, got {chosen}.")
        maps = [self.words[index].maps[first : last + 1] for index in chosen]
        rowless = np.isnan(maps[0]).all(axis=1)
        if rowless.any():
            maps = [each[~rowless] for each in maps]
        if not len(maps[0]):
            raise AttentionError(f"None of the layers {first} to {last} has attention rows.")
        values: NDArray[np.float64] = np.mean(maps, axis=(0, 1), dtype=np.float64)
        return values

    def top_tokens(self, word: int, k: int = 10) -> list[dict[str, Any]]:
        """The image tokens a word looks at most: index, attention, and xyxy box in original pixels."""
        weights = self.map_of(word)
        boxes = np.concatenate([view.boxes for view in self.token_map.views])
        best = np.argsort(-weights, kind="stable")[:k]
        return [
            {"token": int(i), "attention": float(weights[i]), "box": boxes[i].tolist()}
            for i in best
        ]

    def to_dict(self, k: int = 5) -> dict[str, Any]:
        """The grounded caption as JSON values."""
        return {
            "run": self.run,
            "prompt": self.prompt,
            "answer": self.text,
            "layers": list(self.layers),
            "caveat": CAVEAT,
            "warnings": list(self.warnings),
            "words": [self._word(index, k) for index in range(len(self.words))],
            "phrases": [phrase.to_dict() for phrase in self.phrases],
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per word and layer: for tables and Parquet."""
        for index, word in enumerate(self.words):
            for layer in np.flatnonzero(~np.isnan(word.share)).tolist():
                yield {
                    "word": index,
                    "text": word.text,
                    "layer": layer,
                    "image_attention": float(word.share[layer]),
                    "blank_image_attention": float(word.blank_share[layer]),
                    "log_prob": word.log_prob,
                    "blank_log_prob": word.blank_log_prob,
                    "blocked_log_prob": word.blocked_log_prob,
                    "lost": word.lost,
                }

    def to_json(self, indent: int | None = None) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def _word(self, index: int, k: int) -> dict[str, Any]:
        word = self.words[index]
        return {
            "text": word.text,
            "start": word.word.start,
            "end": word.word.end,
            "tokens": list(word.word.tokens),
            "image_attention": _listed(word.share),
            "blank_image_attention": _listed(word.blank_share),
            "log_prob": word.log_prob,
            "blank_log_prob": word.blank_log_prob,
            "blocked_log_prob": word.blocked_log_prob,
            "lost_without_image": word.lost,
            "maybe_guessed": word.maybe_guessed,
            "top_tokens": self.top_tokens(index, k),
        }


def _listed(share: NDArray[np.float64]) -> list[float | None]:
    """Shares by layer as JSON values; None: it has no attention rows."""
    return [None if np.isnan(value) else value for value in share.tolist()]
