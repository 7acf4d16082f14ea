"""Pixels by class of every way and image, and mIoU of them with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.evaluation.confusion import mean_of_ious
from vlmscope.stats import Interval, bootstrap_sums

__all__ = ["Counted", "Counts", "difference", "difference_of_gains", "mean_iou"]


@dataclass(frozen=True, eq=False)
class Counted:
    """One way on every image; float (images, classes) each.

    Attributes:
        true: pixels of each class.
        right: of these, those that were predicted to be of it.
        predicted: pixels that were predicted to be of it.
    """

    true: NDArray[np.float64]
    right: NDArray[np.float64]
    predicted: NDArray[np.float64]

    def only(self, images: Sequence[int] | NDArray[np.intp]) -> Counted:
        """Some of the images, by their places."""
        return Counted(self.true[images], self.right[images], self.predicted[images])

    def masked(self, kept: NDArray[np.bool_]) -> Counted:
        """The same images, of which some count nothing: bool (images,) says which count."""
        factor = kept[:, None].astype(float)
        return Counted(self.true * factor, self.right * factor, self.predicted * factor)

    @property
    def miou(self) -> float:
        """Of one pooled matrix of all images."""
        return float(mean_of_ious(*(each.sum(axis=0)[None] for each in self._parts))[0])

    @property
    def columns(self) -> NDArray[np.float64]:
        """(images, 3 * classes): right, true and predicted pixels."""
        return np.concatenate(self._parts, axis=1)

    @property
    def _parts(self) -> tuple[NDArray[np.float64], ...]:
        return self.right, self.true, self.predicted


class Counts:
    """The ways of one model on its images.

    Classes without a true pixel in any image are left out: mIoU is over the others.

    Args:
        records: image id -> what :class:`Lens` keeps of it; one at least.
        ways: ids.
    """

    def __init__(self, records: Mapping[str, Mapping[str, Any]], ways: Sequence[str]) -> None:
        self.images = tuple(records)
        self.labels = sorted({label for record in records.values() for label, _ in record["true"]})
        self._places = {label: place for place, label in enumerate(self.labels)}
        self.true = np.zeros((len(self.images), len(self.labels)))
        for row, record in enumerate(records.values()):
            for label, pixels in record["true"]:
                self.true[row, self._places[label]] = pixels
        self._ways = {way: self._of(records, way) for way in ways}

    def __getitem__(self, way: str) -> Counted:
        return self._ways[way]

    @property
    def present(self) -> NDArray[np.int64]:
        """Int (images,): how many classes are in each image."""
        counts: NDArray[np.int64] = (self.true > 0).sum(axis=1)
        return counts

    def crossed(self, ways: Sequence[str]) -> tuple[Counted, tuple[str, str]]:
        """On every image the way that is best on the other half: even images and odd ones.

        Returns:
            The images so counted, and the ways of even and odd ones. Of one image alone the best on it.
        """
        place = np.arange(len(self.images))
        halves = place % 2 == 0, place % 2 == 1
        both = [half if half.any() else ~half for half in halves]
        best = [
            max(ways, key=lambda way: self[way].only(np.flatnonzero(half)).miou) for half in both
        ]
        even, odd = self[best[1]], self[best[0]]
        first = halves[0][:, None]
        mixed = Counted(
            self.true,
            np.where(first, even.right, odd.right),
            np.where(first, even.predicted, odd.predicted),
        )
        return mixed, (best[1], best[0])

    def _of(self, records: Mapping[str, Mapping[str, Any]], way: str) -> Counted:
        right, predicted = np.zeros_like(self.true), np.zeros_like(self.true)
        for row, record in enumerate(records.values()):
            for label, hit, every in record["ways"][way]["pixels"]:
                if label in self._places:
                    right[row, self._places[label]] = hit
                    predicted[row, self._places[label]] = every
        return Counted(self.true, right, predicted)


def mean_iou(counted: Counted, seed: int) -> Interval:
    """mIoU of one pooled matrix, with a bootstrap over images."""
    return bootstrap_sums(counted.columns, _miou, seed=seed)


def difference(first: Counted, second: Counted, seed: int) -> Interval:
    """mIoU of one less mIoU of the other, both of the same resampled images."""
    width = first.columns.shape[1]
    columns = np.concatenate([first.columns, second.columns], axis=1)
    return bootstrap_sums(
        columns, lambda sums: _miou(sums[:, :width]) - _miou(sums[:, width:]), seed=seed
    )


def difference_of_gains(
    more: Counted, less: Counted, few: NDArray[np.bool_], seed: int
) -> Interval:
    """What ``more`` gains over ``less`` on some images, less what it gains on the others.

    Args:
        more, less: of the same images.
        few: bool (images,), which are the first group.
        seed: of the bootstrap over all images.
    """
    parts = [each.masked(group).columns for group in (few, ~few) for each in (more, less)]
    width = parts[0].shape[1]

    def statistic(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        one, two, three, four = (_miou(sums[:, i * width : (i + 1) * width]) for i in range(4))
        gained: NDArray[np.float64] = (one - two) - (three - four)
        return gained

    return bootstrap_sums(np.concatenate(parts, axis=1), statistic, seed=seed)


def _miou(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums (resamples, 3 * classes) -> (resamples,)."""
    return mean_of_ious(*np.split(sums, 3, axis=1))
