"""Batches of a corpus, in an order that a seed fixes and a step number finds again."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.tiny.training.corpus import Corpus

__all__ = ["MEAN", "STD", "Batch", "Feed", "normalise"]

MEAN, STD = 0.5, 0.25
"""Normalisation of pixels that are 0..1, the same for the three channels."""
_BARE = 0.12  # share of batches without the system sentence


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of one update, on the training device; shapes as in ``Corpus``.

    Attributes:
        pixels: float32 (batch, 3, height, width), normalised.
        owners, objects, grounds: int64.
        text: int64 (batch, 4, text).
        system: whether the system sentence comes before the image. Now and then it does not, so
            that the model also answers a bare image and question.
    """

    pixels: torch.Tensor
    owners: torch.Tensor
    objects: torch.Tensor
    grounds: torch.Tensor
    text: torch.Tensor
    system: bool = True


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 (batch, height, width, 3) -> float32 (batch, 3, height, width)."""
    return (images.permute(0, 3, 1, 2).float() / 255.0 - MEAN) / STD


class Feed:
    """Batches without state: the batch of a step is a function of seed, size and step.

    On a GPU the arrays are copied there once; on a CPU they stay mapped files.
    """

    def __init__(self, corpus: Corpus, batch: int, seed: int, device: torch.device) -> None:
        self._batch, self._seed, self._device = batch, seed, device
        self._count = corpus.options.scenes // batch * batch
        self._variants = corpus.options.variants
        arrays = (corpus.images, corpus.owners, corpus.objects, corpus.grounds, corpus.texts)
        self._arrays = arrays
        self._resident = tuple(_copy(a, device) for a in arrays) if device.type != "cpu" else None
        self._order: tuple[int, torch.Tensor] | None = None

    def batch(self, step: int) -> Batch:
        """The batch of an update, counted from 0."""
        epoch, place = divmod(step * self._batch, self._count)
        rows = self._permutation(epoch)[place : place + self._batch]
        images, owners, objects, grounds, texts = self._rows(rows)
        return Batch(
            normalise(images),
            owners.long(),
            objects.long(),
            grounds.long(),
            texts[:, epoch % self._variants].long(),
            random.Random(f"{self._seed}:{step}").random() >= _BARE,
        )

    def _permutation(self, epoch: int) -> torch.Tensor:
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(self._seed * 10_007 + epoch)
            order = torch.randperm(self._count, generator=generator)
            self._order = (epoch, order.to(self._device))
        return self._order[1]

    def _rows(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if self._resident is not None:
            return tuple(array[rows] for array in self._resident)
        chosen = rows.numpy()
        return tuple(torch.from_numpy(np.asarray(array[chosen])) for array in self._arrays)


def _copy(array: NDArray[np.generic], device: torch.device) -> torch.Tensor:
    """A mapped array on the device, moved in pieces so that it never doubles in memory."""
    kind = torch.from_numpy(np.array(array[:1])).dtype
    result = torch.empty(array.shape, dtype=kind, device=device)
    for start in range(0, len(array), 4096):
        piece = np.array(array[start : start + 4096])
        result[start : start + len(piece)] = torch.from_numpy(piece).to(device)
    return result
