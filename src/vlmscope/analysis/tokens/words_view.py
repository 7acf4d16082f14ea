"""A grounded answer as the viewer draws it: words to choose, and what each looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.tokens.table import CAVEAT
from vlmscope.post import heat_range
from vlmscope.results.geometry_blocks import SIDE, cells_block, encoded, on_cells
from vlmscope.types import TokenMap
from vlmscope.viewer.blocks import Block

if TYPE_CHECKING:
    from vlmscope.analysis.tokens.result import GroundedAnswer, GroundedWord

__all__ = ["answer_scene", "words_block"]

_MOST_BYTES = (
    8_000_000  # of all words' rows, in a page; beyond, layers outside the range are left out
)


def answer_scene(answer: GroundedAnswer, *, name: str = "answer", side: int = SIDE) -> Block:
    """The image under the mean map of all words, with a box for each noun phrase.

    Args:
        answer: with one word at least.
        name: id of the block.
        side: pixels of the longer side of the image at most.
    """
    token_map = answer.token_map
    weights = answer.map_of(range(len(answer.words)))
    boxed = [phrase for phrase in answer.phrases if phrase.box is not None]
    return {
        "type": "scene",
        "id": name,
        "image": encoded(answer.image, side),
        "size": list(token_map.image_size),
        "title": "What the words looked at",
        "cells": cells_block(token_map),
        "map": on_cells(token_map, weights),
        "scale": list(heat_range(token_map, weights)),
        "scale_note": "stretched to its own range",
        "seen": [float(value) for value in token_map.seen],
        "box": [float(value) for value in boxed[0].box or ()] if boxed else None,
        "point": None,
        "mask": None,
        "instances": [
            {
                "box": [float(value) for value in phrase.box or ()],
                "point": None if phrase.point is None else [float(v) for v in phrase.point],
                "score": float(phrase.score),
                "mask": None,
            }
            for phrase in boxed
        ],
        "score": None,
        "score_note": "",
        "chance": None,
        "evidence": [],
        "warnings": list(answer.warnings),
        "facts": [
            ["model", str(answer.run["model"])],
            ["asked", answer.prompt],
            ["answered", answer.text],
            ["boxes", ", ".join(f"{n} {each.phrase}" for n, each in enumerate(boxed, 1)) or "none"],
        ],
        "python": None,
        "command": None,
    }


def words_block(answer: GroundedAnswer, *, scene: str = "answer") -> Block:
    """The answer word by word, with every word's rows.

    Args:
        answer: with one word at least.
        scene: id of the block on whose image maps are shown.

    Returns:
        The block: rows float16 (words, layers, cells) divided by their maximum, scale float32 (words,
        layers), NaN where a layer's rows are left out for the size of the page.
    """
    rows, scale = _rows(answer)
    words = answer.words
    return {
        "type": "words",
        "scene": scene,
        "prompt": answer.prompt,
        "text": answer.text,
        "words": [_word(word) for word in words],
        "cells": cells_block(answer.token_map),
        "rows": rows,
        "scale": scale,
        "share": np.array([word.share for word in words], np.float32),
        "blank_share": np.array([word.blank_share for word in words], np.float32),
        "other_shares": None,
        "layers": list(answer.layers),
        "caveat": CAVEAT,
    }


def _word(word: GroundedWord) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": word.word.start,
        "end": word.word.end,
        "lost": word.lost,
        "maybe_guessed": word.maybe_guessed,
        "gain": word.gain,
        "log_prob": word.log_prob,
        "blank_log_prob": word.blank_log_prob,
        "blocked_log_prob": word.blocked_log_prob,
    }


def _rows(answer: GroundedAnswer) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Rows divided by their maximum, and the maxima."""
    token_map: TokenMap = answer.token_map
    values = np.stack([on_cells(token_map, word.maps) for word in answer.words])
    if values.size * 2 > _MOST_BYTES:
        first, last = answer.layers
        outside = np.ones(values.shape[1], dtype=bool)
        outside[first : last + 1] = False
        values[:, outside] = np.nan
    highest = values.max(axis=-1)
    scale = np.where(highest == 0, np.float32(1), highest).astype(np.float32)
    return (values / scale[..., None]).astype(np.float16), scale
