"""Token maps made by hand, and heads of known behaviour: no model is needed to test methods."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vlmscope.attention import HeadMaps, HeadReading
from vlmscope.errors import BadPhraseError
from vlmscope.models import ModelCard, Prompt
from vlmscope.post import mask_coverage
from vlmscope.types import Head, Role, TokenMap, View


def view_over(
    box: tuple[float, float, float, float],
    grid: tuple[int, int],
    first: int = 0,
    name: str = "image",
) -> View:
    """A regular grid of (rows, columns) cells over an xyxy rectangle of original pixels."""
    x0, y0, x1, y1 = box
    count = grid[0] * grid[1]
    return View(
        name,
        np.arange(first, first + count),
        np.linspace(y0, y1, grid[0] + 1),
        np.linspace(x0, x1, grid[1] + 1),
    )


def map_of(size: tuple[int, int], views: list[View], placement: str = "resize") -> TokenMap:
    """Image tokens only, for an image of (height, width) pixels."""
    count = sum(len(view.positions) for view in views)
    return TokenMap(
        roles=np.full(count, Role.IMAGE, dtype=np.int8),
        tokens=("<image>",) * count,
        image_size=size,
        views=tuple(views),
        placement=placement,
    )


@dataclass
class FakeModel:
    """As much of a LoadedModel as the methods look at; its maps come from :class:`PlantedHeads`."""

    id: str = "fake"
    revision: str | None = "r1"
    decoder_shape: tuple[int, int] = (6, 4)
    card: ModelCard = field(default_factory=lambda: ModelCard("fake", "fake"))

    @property
    def row_layers(self) -> tuple[int, ...]:
        return tuple(range(self.decoder_shape[0]))


@dataclass
class PlantedHeads:
    """Stands in for ``read_heads``: heads of known behaviour, on 16x16 cells of any image.

    The object is where the image is brighter than 128. ``pointing`` heads put 0.7 of their
    attention around it and ``broad`` ones 0.9 on scattered cells, so these pass the attention sum;
    ``compact`` heads put 0.05 on one spot that has nothing to do with the object; all others put
    0.06 to 0.14 on scattered cells. Pictures are padded to a square.
    """

    pointing: tuple[tuple[int, int], ...] = ((3, 1), (4, 0), (4, 2))
    broad: tuple[tuple[int, int], ...] = ((2, 0), (5, 3))
    compact: tuple[tuple[int, int], ...] = ((2, 3), (3, 3), (5, 0))
    images: list[np.ndarray] = field(default_factory=list)
    phrases: list[list[str]] = field(default_factory=list)

    def __call__(
        self,
        model: FakeModel,
        pixels: np.ndarray,
        phrases: Sequence[str | Prompt],
        *,
        rows: object = "last_text",
        heads: Sequence[tuple[int, int]] | None = None,
        first_layer: int = 0,
        preset: str | None = None,
        placement: str | None = None,
    ) -> list[HeadMaps]:
        texts = [Prompt.of(phrase).text for phrase in phrases]
        if any(text == "too long" for text in texts):
            raise BadPhraseError("The prompt has 9000 tokens.")
        self.images.append(pixels)
        self.phrases.append(texts)
        layers, width = model.decoder_shape
        places = itertools.product(range(first_layer, layers), range(width))
        every = [Head(layer, head) for layer, head in places]
        wanted = tuple(every if heads is None else [Head(*head) for head in heads])
        token_map = self.token_map(pixels)
        return [
            HeadMaps(
                wanted,
                np.stack([self._map(head, pixels, text, token_map) for head in wanted])[:, None],
                token_map,
                preset or "paper",
                (text.split()[-1],),
            )
            for text in texts
        ]

    def together(
        self, model: FakeModel, pixels: np.ndarray, readings: Sequence[HeadReading]
    ) -> list[list[HeadMaps]]:
        """Stands in for ``read_together``."""
        return [
            self(
                model,
                pixels,
                each.phrases,
                rows=each.rows,
                heads=each.heads,
                preset=each.preset,
                placement=each.placement,
            )
            for each in readings
        ]

    @staticmethod
    def token_map(pixels: np.ndarray) -> TokenMap:
        height, width = pixels.shape[:2]
        side = max(height, width)
        top, left = (side - height) / 2, (side - width) / 2
        view = view_over((-left, -top, side - left, side - top), (16, 16))
        return map_of((height, width), [view], "pad")

    def _map(self, head: Head, pixels: np.ndarray, phrase: str, token_map: TokenMap) -> np.ndarray:
        rng = np.random.default_rng([*head, len(phrase), int(pixels.sum()) % 9973])
        if head in self.pointing:
            inside = mask_coverage(token_map, pixels[..., 0] > 128)
            return _attention(inside + 0.02 * rng.random(256), 0.7)
        if head in self.compact:
            spot = np.zeros((16, 16))
            row, column = rng.integers(0, 14, size=2)
            spot[row : row + 2, column : column + 2] = 1.0
            return _attention(spot.ravel(), 0.05)
        scattered = (rng.random(256) < 0.15).astype(float)
        little = 0.06 + 0.08 * np.random.default_rng([*head]).random()
        return _attention(scattered, 0.9 if head in self.broad else little)


def _attention(weights: np.ndarray, total: float) -> np.ndarray:
    return (total * weights / weights.sum()).astype(np.float32)


def scene(number: int, size: tuple[int, int] = (64, 64)) -> tuple[np.ndarray, tuple[int, ...]]:
    """A dark picture with one bright rectangle, and the rectangle's box (xyxy)."""
    rng = np.random.default_rng(number)
    height, width = size
    pixels = rng.integers(0, 30, size=(height, width, 3), dtype=np.uint8)
    y0, x0 = int(rng.integers(0, height - 24)), int(rng.integers(0, width - 24))
    y1, x1 = y0 + int(rng.integers(16, 24)), x0 + int(rng.integers(16, 24))
    pixels[y0:y1, x0:x1] = 220
    return pixels, (x0, y0, x1, y1)
