"""The field's protocol as plain loops over windows, words and classes: a second implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.methods.encoder import DenseSetup, dense_tokens
from vlmscope.types import BACKGROUND


@dataclass
class Naive:
    """Labels, the best class's probability and how far the second is behind, (height, width) each."""

    labels: NDArray[np.int64]
    best: NDArray[np.float64]
    margin: NDArray[np.float64]


def resized(pixels: NDArray[np.uint8], side: int, setup: DenseSetup) -> Tensor:
    """(1, 3, height, width): the shorter side is ``side`` pixels, the other as it comes."""
    processor = setup.encoder.processor.image_processor
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    size = int(width * scale + 0.5), int(height * scale + 0.5)
    image = Image.fromarray(pixels).resize(size, processor.resample)
    values = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    mean = torch.tensor(processor.image_mean)[:, None, None]
    std = torch.tensor(processor.image_std)[:, None, None]
    return ((values - mean) / std)[None]


def window_logits(values: Tensor, setup: DenseSetup, text: Tensor) -> Tensor:
    """One window's cosines painted on its own pixels: (words, height, width)."""
    patch = setup.encoder.patch
    grid = values.shape[-2] // patch, values.shape[-1] // patch
    tokens = dense_tokens(setup.encoder, values, grid, setup.method, setup.options)
    cosines = F.normalize(tokens.patches[0], dim=-1) @ text.T
    if tokens.weights is not None:
        cosines = cosines * tokens.weights[0][:, None]
    maps = cosines.T.reshape(1, len(text), *grid)
    return F.interpolate(maps, size=values.shape[-2:], mode="bilinear")[0]


def slid(values: Tensor, setup: DenseSetup, text: Tensor, window: int, stride: int) -> Tensor:
    """The mean over windows, (words, height, width) of the resized image."""
    height, width = values.shape[-2:]
    total = torch.zeros(len(text), height, width, dtype=torch.float64)
    count = torch.zeros(height, width)
    for row in range(max(height - window + stride - 1, 0) // stride + 1):
        for column in range(max(width - window + stride - 1, 0) // stride + 1):
            y1 = min(row * stride + window, height)
            x1 = min(column * stride + window, width)
            y0, x0 = max(y1 - window, 0), max(x1 - window, 0)
            part = window_logits(values[:, :, y0:y1, x0:x1], setup, text)
            total[:, y0:y1, x0:x1] += part
            count[y0:y1, x0:x1] += 1
    assert bool((count > 0).all())
    return total / count


def decided(
    logits: Tensor,
    words: Sequence[Sequence[int]],
    floor: float | None,
    background: int | None,
    least_area: float | None,
) -> Naive:
    """From logits (words, height, width) to labels.

    Args:
        words: of every class, which rows of the logits are its words.
    """
    chances = logits.double().softmax(dim=0).numpy()
    by_class = np.zeros((len(words), *chances.shape[1:]))
    for label, rows in enumerate(words):
        for row in rows:
            by_class[label] = np.maximum(by_class[label], chances[row])
    if least_area is not None:
        first = by_class.argmax(axis=0)
        areas = [int((first == label).sum()) for label in range(len(words))]
        foreground = sum(area for label, area in enumerate(areas) if label != background)
        for label, area in enumerate(areas):
            if label != background and area < least_area * foreground:
                by_class[label] = 0
    order = np.sort(by_class, axis=0)
    labels, best = by_class.argmax(axis=0), by_class.max(axis=0)
    if floor is not None:
        labels = np.where(best < floor, BACKGROUND if background is None else background, labels)
    return Naive(labels, best, order[-1] - order[-2])


def painted(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear on the original image: (words, height, width)."""
    return F.interpolate(maps[None], size=size, mode="bilinear")[0]
