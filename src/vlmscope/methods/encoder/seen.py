"""One image through the tower once, under a protocol, for methods that see it alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.methods.encoder.pixel_adaptive import (
    refine_by_pixels,
    refine_painted,
    refined_grid,
)
from vlmscope.methods.encoder.protocols import SegmentationProtocol
from vlmscope.methods.encoder.similarity import DenseSetup, Similarity, against, scores_of
from vlmscope.methods.encoder.sliding import SlidingWindows
from vlmscope.methods.encoder.tower import DenseTokens, joined, tokens_of_methods
from vlmscope.post import Labels, PaintedGrid, WordRule, word_labels
from vlmscope.post.regions import VotedGrid, vote_painted
from vlmscope.types import TokenMap

__all__ = ["SeenImage", "protocol_labels"]

_TOKENS_AT_A_TIME = 4096  # of the windows of one pass


class SeenImage:
    """What methods of one model and one view make of an image; the tower runs with the first question.

    Attributes:
        encoder: the model.

    Args:
        setups: methods of one :attr:`DenseSetup.view`, each with its options.
        pixels: uint8 (height, width, 3).

    Raises:
        BadOptionError: an image that becomes more patches than can be attended.
    """

    def __init__(self, setups: Sequence[DenseSetup], pixels: NDArray[np.uint8]) -> None:
        self._setups, self._pixels = tuple(setups), pixels
        self.encoder = setups[0].encoder
        side, _, window, stride = setups[0].view
        height, width = pixels.shape[:2]
        self._windows = (
            SlidingWindows.over((height, width), self.encoder.patch, side, window, stride)
            if window
            else None
        )
        self._tokens: list[DenseTokens] = []
        self._map: TokenMap | None = None

    def similarity(self, index: int, text: Tensor) -> Similarity:
        """The image against texts, by one of the methods.

        Args:
            index: of the setup.
            text: unit vectors (texts, joint).
        """
        tokens, token_map = self._seen(index)
        if self._windows is None:
            return against(self._setups[index], tokens, token_map, text)
        scores, whole = self._of_windows(index, text)
        peak = whole.amax(dim=0)[: scores.shape[-1]]
        return Similarity(self._windows.patches(scores), peak, token_map, len(self._windows))

    def painted(self, index: int, text: Tensor) -> PaintedGrid:
        """The same scores, as they are painted on original pixels; arguments as there.

        Where the method's options say so they are refined by the image's colours (``refine_pixels``),
        after windows are averaged.
        """
        tokens, token_map = self._seen(index)
        setup, pixels = self._setups[index], self._pixels
        times, longer = setup.options.refine_pixels, setup.options.refine_side
        if self._windows is None:
            scores = against(setup, tokens, token_map, text).patches.numpy()
            if times:
                token_map, scores = refine_by_pixels(token_map, scores, pixels, times, longer)
            return PaintedGrid.of(token_map, scores)
        apart = self._of_windows(index, text)[0]
        if not times:
            return self._windows.painted(apart)
        painted = self._windows.painted(
            apart, refined_grid(token_map.image_size, len(text), longer)
        )
        return PaintedGrid.of(*refine_painted(painted.painted(), pixels, times))

    def _of_windows(self, index: int, text: Tensor) -> tuple[Tensor, Tensor]:
        """Of each window, as if it were an image of its own: (windows, patches, n), (windows, n)."""
        setup, (tokens, _) = self._setups[index], self._seen(index)
        patches, whole = scores_of(setup, tokens, text)
        return setup.method.refine(patches, whole, setup.options), whole

    def _seen(self, index: int) -> tuple[DenseTokens, TokenMap]:
        if not self._tokens:
            self._look()
        assert self._map is not None  # it has looked
        return self._tokens[index], self._map

    def _look(self) -> None:
        encoder, pixels = self.encoder, self._pixels
        runs = [(each.method, each.options) for each in self._setups]
        if self._windows is None:
            side, keep_ratio, _, _ = self._setups[0].view
            fitted = encoder.fit(pixels, side, keep_ratio)
            self._map = fitted.token_map
            self._tokens = tokens_of_methods(encoder, fitted.values, fitted.grid, runs, pooled=True)
            return
        notes = encoder.card.picture_notes(pixels)
        self._map = replace(self._windows.token_map, picture_notes=notes)
        parts = [
            tokens_of_methods(encoder, values, self._windows.grid, runs, pooled=True)
            for values in self._windows.cut(encoder, pixels, _TOKENS_AT_A_TIME)
        ]
        self._tokens = [joined(of_method) for of_method in zip(*parts, strict=True)]


def protocol_labels(
    seen: SeenImage,
    index: int,
    protocol: SegmentationProtocol,
    text: Tensor,
    owners: Sequence[int],
    classes: int,
    background: int | None,
    masks: Iterable[NDArray[np.bool_]] | None = None,
) -> Labels:
    """The class of every pixel under a protocol.

    Args:
        seen: the image.
        index: of the method.
        protocol: one that fixes something.
        text: unit vectors (words, joint).
        owners: the class of every word, ascending.
        classes: how many there are.
        background: the class that is the background, or None.
        masks: bool (height, width) of the original image, the later one on top: every pixel of a mask
            has the mean scores inside it; None: pixels are decided one by one.
    """
    left = [i for i, own in enumerate(owners) if own != background or not protocol.foreground_only]
    scale = protocol.logit_scale
    if scale is None:
        scale = seen.encoder.family.logit_scale(seen.encoder.hf)
    rule = WordRule(
        [owners[i] for i in left],
        classes,
        scale,
        background,
        None if background is None else protocol.background,
        protocol.least_area,
    )
    painted = seen.painted(index, text[left])
    if masks is None:
        return word_labels(painted, rule)
    return word_labels(VotedGrid(painted, vote_painted(painted, masks)), rule)
