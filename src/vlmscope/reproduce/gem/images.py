"""One image through all ways at once: what of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.data.datasets import Dataset, EvalSample
from vlmscope.data.targets import Target
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.pixel_classes import classify_pixels
from vlmscope.evaluation.words.vocabulary import Vocabulary, flat, owners
from vlmscope.methods.encoder.similarity import DenseSetup, against, best_of_each
from vlmscope.methods.encoder.tower import DenseFormula, DenseTokens, tokens_of_methods
from vlmscope.models import DualEncoder
from vlmscope.post import pointing_hits, visible_areas
from vlmscope.reproduce.gem.iterating import Watch
from vlmscope.reproduce.gem.objects import cell_classes, margins, within_and_across
from vlmscope.reproduce.gem.settings import Settings
from vlmscope.reproduce.gem.ways import DEPTH, Way, ways_of
from vlmscope.types import TokenMap

__all__ = ["MEANS", "Lens"]

MEANS = ("within", "across", "class token", "right text", "other texts")
"""Means over an image's patches that are kept of each way, behind its dense path, in the joint space:
cosines of two patches of one class and of two classes; of labelled patches with the image's own
embedding, with the text of their class, and with those of the image's other classes."""

_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Lens:
    """A model and the classes it tells apart, ready for images.

    Attributes:
        encoder: the model; not changed.
        data: the images' set.
        settings: how they are seen.
    """

    encoder: DualEncoder
    data: Dataset
    settings: Settings

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """Every way, the published one first."""
        return ways_of(len(self.encoder.blocks), self.settings.side)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The texts of the classes."""
        return Vocabulary.of(self.encoder, self.data.words)

    @property
    def side(self) -> int:
        """Side of the squashed image in pixels."""
        return self.settings.side or self.encoder.card.side or self.encoder.native_side

    @property
    def depth(self) -> int:
        """Blocks that have a GEM path in the published setting."""
        return min(DEPTH, len(self.encoder.blocks))

    def measure(self, sample: EvalSample) -> dict[str, Any]:
        """What is kept of an image: JSON values.

        One pass through the original path for all ways. Of each way: pixels by class (right and
        predicted), hits of its peaks, and :data:`MEANS`; of the projections what iterations do to them.

        Raises:
            BadSampleError: an image without a label map, or without a pixel that counts.
        """
        scene = self._scene(sample)
        watch = Watch(self.depth, scene.cells)
        runs: list[tuple[DenseFormula, Any]] = [(way.method, way.options) for way in self.ways]
        *tokens, _ = tokens_of_methods(
            self.encoder, scene.values, scene.grid, [*runs, (watch, None)], pooled=True
        )
        true, counts = np.unique(scene.truth, return_counts=True)
        return {
            "true": [[int(each), int(count)] for each, count in zip(true, counts, strict=True)],
            "pairs": len(scene.targets),
            "ways": {
                way.id: self._of_way(way, each, scene)
                for way, each in zip(self.ways, tokens, strict=True)
            },
            "iterating": {
                name: [[_number(value) for value in row] for row in rows]
                for name, rows in watch.by_iteration().items()
            },
            "temperatures": [round(value, _DIGITS) for value in watch.temperatures],
        }

    def _scene(self, sample: EvalSample) -> _Scene:
        if sample.labels is None:
            raise BadSampleError("The image has no label map, which segmentation needs.")
        fitted = self.encoder.fit(sample.image.pixels, self.side, keep_ratio=False)
        step = self.settings.pixel_step
        where = np.zeros(sample.labels.shape, dtype=np.bool_)
        where[step // 2 :: step, step // 2 :: step] = True
        where &= sample.labels >= 0
        if not where.any():
            raise BadSampleError("The image has no pixel that counts: none has a class.")
        places = {label: index for index, label in enumerate(self.data.words.labels)}
        targets = [
            (places[each.label], each.target)
            for each in sample.referents
            if each.label in places and not each.absent
        ]
        cells = cell_classes(fitted.token_map, sample.labels)
        truth = sample.labels[where]
        return _Scene(fitted.values, fitted.grid, fitted.token_map, where, truth, cells, targets)

    def _of_way(self, way: Way, tokens: DenseTokens, scene: _Scene) -> dict[str, Any]:
        setup = DenseSetup(way.method, self.encoder, way.options)
        similarity = against(setup, tokens, scene.token_map, self.text)
        concepts = self.vocabulary.concepts
        patches = best_of_each(similarity.patches, owners(concepts), len(concepts))
        scores = patches.numpy()
        predicted = classify_pixels(scene.token_map, scores, scene.where)
        return {
            "pixels": _pixels(scene.truth, predicted, len(concepts)),
            "hits": scene.hits(scores),
            "means": [_number(value) for value in _means(tokens, patches, scene.cells)],
        }

    @cached_property
    def text(self) -> Tensor:
        """Unit vectors (texts, joint)."""
        return self.vocabulary.embed(self.vocabulary.concepts, self.ways[0].options.templates)

    @cached_property
    def texts(self) -> list[str]:
        """What is embedded, in order."""
        return flat(self.vocabulary.concepts)


@dataclass(frozen=True, eq=False)
class _Scene:
    """An image as the tower sees it, and what is true of it.

    Attributes:
        values, grid, token_map: of :class:`FittedPatches`.
        where: bool (height, width), pixels that are scored.
        truth: int (pixels,), their classes.
        cells: int (patches,), the class at the middle of each patch.
        targets: class and place of each object that is pointed at.
    """

    values: Tensor
    grid: tuple[int, int]
    token_map: TokenMap
    where: NDArray[np.bool_]
    truth: NDArray[np.integer]
    cells: Tensor
    targets: list[tuple[int, Target]]

    @cached_property
    def _visible(self) -> NDArray[np.bool_]:
        return visible_areas(self.token_map) > 0

    @cached_property
    def _inside(self) -> list[tuple[int, NDArray[np.bool_]]]:
        return [(place, target.hits(self.token_map)) for place, target in self.targets]

    def hits(self, scores: NDArray[np.float32]) -> int:
        """How many objects the peak of their class lies on; scores (patches, classes)."""
        found = [
            pointing_hits(scores[None, :, place].astype(np.float64), inside, self._visible)
            for place, inside in self._inside
        ]
        return sum(hit for each in found for hit in each)


def _pixels(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> list[list[int]]:
    """``[class, right, predicted]`` of every class that was predicted or is there."""
    every = np.bincount(predicted, minlength=classes)
    right = np.bincount(truth[truth == predicted], minlength=classes)
    present = np.union1d(np.flatnonzero(every), truth)
    return [[int(i), int(right[i]), int(every[i])] for i in present]


def _means(tokens: DenseTokens, similarity: Tensor, cells: Tensor) -> list[float]:
    """In the order of :data:`MEANS`."""
    assert tokens.pooled is not None  # it was asked for
    unit = F.normalize(tokens.patches[0].float(), dim=-1).cpu()
    whole = F.normalize(tokens.pooled[0].float(), dim=-1).cpu()
    within, across = within_and_across(unit, cells)
    labelled = cells >= 0
    token = (unit[labelled] @ whole).mean() if labelled.any() else torch.tensor(torch.nan)
    return [float(within), float(across), float(token), *margins(similarity, cells)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, _DIGITS)
