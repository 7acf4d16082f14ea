"""Where the words of a prompt lie on the picture that was drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.diffusion.prompt_words import PromptWords
from vlmscope.errors import BadOptionError
from vlmscope.markup import card, one_line, shown_box, table
from vlmscope.models.encoders.patches import grid_map
from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding
from vlmscope.results.comparison_views import on_one_scale
from vlmscope.viewer import View
from vlmscope.viewer.blocks import note

__all__ = ["METHOD", "POST", "WordMaps"]

METHOD = "daam"
POST = PostOptions(
    smoothing="none", threshold="max-share", share=0.4, keep="mass", surface="pixels"
)
"""How a word's region is found: above .4 of the map's maximum, as in the paper."""

_GENERATED = (
    "This is a map of a generated picture: where the pipeline read the word while it drew, not where "
    "it would find it in a photograph."
)
_COLOURS = "Colours are the same for all words: a word that was read less is darker."


@dataclass(frozen=True, eq=False)
class WordMaps:
    """One drawn picture and the maps of its prompt's tokens.

    Attributes:
        prompt: as the text encoder reads it.
        model: of the pipeline.
        image: uint8 (height, width, 3), what was drawn.
        maps: float32 (tokens, rows, columns) on the latents: attention to each token, bicubic and
            clamped at 0, summed over steps, mean over layers and heads; special tokens included.
        steps: passes of the U-Net.
        layers: cross-attention layers that were read, in the order of a pass.
        heads: (layer, head), all of which count alike.
        step_maps: float32 (steps, tokens, rows, columns); None: not kept. Their sum is ``maps``.
        head_maps: float32 (heads, tokens, rows, columns), summed over steps; None: not kept. Their
            mean is ``maps``.
    """

    prompt: PromptWords
    model: str
    image: NDArray[np.uint8] = field(repr=False)
    maps: NDArray[np.float32] = field(repr=False)
    steps: int
    layers: tuple[str, ...] = field(repr=False)
    heads: tuple[tuple[str, int], ...] = field(repr=False)
    step_maps: NDArray[np.float32] | None = field(default=None, repr=False)
    head_maps: NDArray[np.float32] | None = field(default=None, repr=False)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the prompt."""
        return self.prompt.words

    def word(self, word: str, occurrence: int | None = None) -> NDArray[np.float32]:
        """The map of a word: float32 (rows, columns), the mean of its tokens'.

        Args:
            word: of the prompt, or several words in a row; every place where it stands counts.
            occurrence: only one of these places, from 0.

        Raises:
            BadOptionError: a word that is not in the prompt.
        """
        return _mean(self.maps, self.prompt.positions(word, occurrence), axis=0)

    def word_by_step(self, word: str) -> NDArray[np.float32]:
        """The map of a word at each step: float32 (steps, rows, columns).

        Raises:
            BadOptionError: steps that were not kept, or a word that is not in the prompt.
        """
        return _mean(_kept(self.step_maps, "by_step"), self.prompt.positions(word), axis=1)

    def word_by_head(self, word: str) -> NDArray[np.float32]:
        """The map of a word in each head, summed over steps: float32 (heads, rows, columns).

        Raises:
            BadOptionError: heads that were not kept, or a word that is not in the prompt.
        """
        return _mean(_kept(self.head_maps, "by_head"), self.prompt.positions(word), axis=1)

    def ground(
        self, word: str, occurrence: int | None = None, post: PostOptions = POST
    ) -> Grounding:
        """Where a word lies on the picture: mask, box, peak and heat map.

        Args:
            word, occurrence: see :meth:`word`.
            post: how the region is found.

        Returns:
            A Grounding on the drawn picture; its score is the map's maximum.
        """
        values = self.word(word, occurrence)
        located = locate(grid_map(self.image.shape[:2], values.shape), values.reshape(-1), post)
        details = {
            "prompt": self.prompt.text,
            "tokens": [self.prompt.tokens[at] for at in self.prompt.positions(word, occurrence)],
            "steps": self.steps,
            "layers": len(self.layers),
            "heads_read": len(self.heads),
            "score": "attention paid to the word, summed over steps, at its highest place",
            **located.record,
        }
        return Grounding.of(
            located,
            phrase=word,
            method=METHOD,
            model=self.model,
            image=self.image,
            score=float(values.max()),
            details=details,
            warnings=(_GENERATED,),
        )

    def to_dict(self, words: tuple[str, ...] | None = None) -> dict[str, Any]:
        """As JSON values: each word with its box, peak and score.

        Args:
            words: of the prompt; default: all of them.
        """
        return {
            "prompt": self.prompt.text,
            "model": self.model,
            "generated": True,
            "note": _GENERATED,
            "steps": self.steps,
            "layers": list(self.layers),
            "heads": len(self.heads),
            "grid": list(self.maps.shape[1:]),
            "words": [self._record(word) for word in (self.words if words is None else words)],
        }

    def view(self, words: tuple[str, ...] | None = None) -> View:
        """What the viewer draws: the words side by side on one colour scale.

        Args:
            words: of the prompt; default: all of them.
        """
        chosen = self.words if words is None else words
        if not chosen:
            raise BadOptionError("There is no word to show; give one of the prompt.")
        return View(
            self.prompt.text,
            f"drawn by {self.model} in {self.steps} steps",
            [on_one_scale([self.ground(word) for word in chosen], _COLOURS), note(_GENERATED)],
        )

    def __repr__(self) -> str:
        rows, columns = self.maps.shape[1:]
        return one_line(
            self,
            self.prompt.text,
            f"{len(self.words)} words on {rows}x{columns}",
            f"{self.steps} steps, {len(self.heads)} heads of {len(self.layers)} layers",
        )

    def _repr_html_(self) -> str:
        shown = card(self.prompt.text, table(self.table()), lead=_GENERATED)
        return self.view().inline(shown)

    def table(self, words: tuple[str, ...] | None = None) -> tuple[list[str], list[list[object]]]:
        """Columns and rows: a word, its box and its score."""
        rows: list[list[object]] = []
        for word in self.words if words is None else words:
            found = self.ground(word)
            box = "-" if found.box is None else shown_box(found.box)
            rows.append([word, box, f"{found.score:.4g}"])
        return ["word", "box", "score"], rows

    def _record(self, word: str) -> dict[str, Any]:
        found = self.ground(word)
        return {
            "word": word,
            "box": None if found.box is None else list(found.box),
            "point": None if found.point is None else list(found.point),
            "score": found.score,
        }


def _mean(maps: NDArray[np.float32], positions: tuple[int, ...], axis: int) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.take(maps, positions, axis=axis).mean(axis=axis)
    return mean


def _kept(maps: NDArray[np.float32] | None, option: str) -> NDArray[np.float32]:
    if maps is None:
        raise BadOptionError(f"These maps were not kept; trace with {option}=True.")
    return maps
