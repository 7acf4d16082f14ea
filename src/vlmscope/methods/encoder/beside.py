"""Several images through the tower side by side: those fitted to one grid, whatever is looked for in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod, ReadNames, groundings_of
from vlmscope.methods.encoder.similarity import DenseSetup, against
from vlmscope.methods.encoder.tower import DenseTokens, dense_tokens
from vlmscope.models import DualEncoder, Prompt
from vlmscope.models.encoders.dual import FittedPatches
from vlmscope.results import Grounding

__all__ = ["ImagesBeside"]

_KEPT = 32  # lists of phrases whose embeddings are kept


class ImagesBeside:
    """A dense method on a model, for images of one grid at a time.

    Args:
        method: the method.
        encoder: the model.
        options: of the method.
    """

    def __init__(self, method: DenseMethod, encoder: DualEncoder, options: Any) -> None:
        self.setup = DenseSetup(method, encoder, options)
        self._read = lru_cache(_KEPT)(self._names)

    def fit(self, pixels: Any) -> FittedPatches:
        """An image, uint8 (height, width, 3), on its grid of patches."""
        return self.setup.encoder.fit(pixels, self.setup.side, self.setup.options.keep_ratio)

    def ground(
        self, images: Sequence[tuple[Any, FittedPatches]], prompts: Sequence[Sequence[Prompt]]
    ) -> list[list[Grounding]]:
        """For each image one Grounding per phrase.

        Args:
            images: uint8 (height, width, 3) each, and what :meth:`fit` made of it: all of one grid.
            prompts: of each image.
        """
        setup, fitted = self.setup, [each for _, each in images]
        values = torch.cat([each.values for each in fitted])
        tokens = dense_tokens(
            setup.encoder, values, fitted[0].grid, setup.method, setup.options, pooled=True
        )
        results = []
        for item, ((pixels, each), phrases) in enumerate(zip(images, prompts, strict=True)):
            texts = [prompt.text.strip() for prompt in phrases]
            read = self._read(tuple(dict.fromkeys(texts)))
            similarity = against(setup, _item(tokens, item), each.token_map, read.vectors)
            by_name = groundings_of(setup, pixels, read, similarity)
            results.append([by_name[text] for text in texts])
        return results

    def _names(self, names: tuple[str, ...]) -> ReadNames:
        return ReadNames(self.setup.encoder, names, self.setup.options.templates)


def _item(tokens: DenseTokens, item: int) -> DenseTokens:
    """What a pass yields of one image of its batch."""

    def own(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[item : item + 1]

    return replace(
        tokens,
        patches=tokens.patches[item : item + 1],
        pooled=own(tokens.pooled),
        weights=own(tokens.weights),
    )
