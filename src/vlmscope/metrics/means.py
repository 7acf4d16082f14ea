"""Means over samples, with intervals from resampling images (docs/evaluation.md, Metrics)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vlmscope.stats import Interval, bootstrap, bootstrap_ratios

__all__ = ["accuracy_at", "mean_over_images"]


def accuracy_at(
    ious: Sequence[float],
    threshold: float = 0.5,
    images: Sequence[object] | None = None,
    *,
    seed: int = 0,
) -> Interval:
    """Acc@threshold of referring expression comprehension: share of SENTENCES with IoU >= threshold."""
    return mean_over_images(np.asarray(ious) >= threshold, images, seed=seed)


def mean_over_images(
    values: ArrayLike, images: Sequence[object] | None = None, *, seed: int = 0
) -> Interval:
    """Mean over samples, with an interval from resampling IMAGES.

    Sentences on one image fail together; resampling them one by one would make the interval too
    narrow.

    Args:
        values: float (samples,).
        images: which image each sample is on; None: each its own.
        seed: of the bootstrap.
    """
    samples = np.asarray(values, dtype=np.float64)
    if images is None:
        return bootstrap(samples, seed=seed)
    numbers = {image: index for index, image in enumerate(dict.fromkeys(images))}
    groups = np.array([numbers[image] for image in images], dtype=np.int64)
    sums = np.bincount(groups, samples, minlength=len(numbers))
    counts = np.bincount(groups, minlength=len(numbers))
    return bootstrap_ratios(sums[:, None], counts, seed=seed)[0]
