"""Numbers summed per image: all that a bootstrap over images needs of any number of sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.metrics.records import Records, once
from vlmscope.metrics.score import Score
from vlmscope.stats import Interval, bootstrap_ratios

__all__ = ["SENTENCES", "ImageSums"]

SENTENCES = "sentences"
"""The unit of most scores, and the column that counts them."""


@dataclass(frozen=True, eq=False)
class ImageSums:
    """Sums of some numbers over the sentences of each image.

    Attributes:
        columns: names of the numbers.
        table: float64 (images, columns).
        images: their ids, in the order in which they came.
    """

    columns: tuple[str, ...]
    table: NDArray[np.float64]
    images: tuple[Any, ...] = ()

    @classmethod
    def of(
        cls, records: Records, measured: Callable[[Mapping[str, Any]], Mapping[str, float]]
    ) -> ImageSums:
        """Reads records one by one and keeps the sums.

        Args:
            records: of one metric.
            measured: the numbers of a record, under the same names for each.

        Raises:
            BadSampleError: a record that is there twice, or lacks what is measured.
        """
        columns: tuple[str, ...] = ()
        sums: dict[Any, NDArray[np.float64]] = {}
        for record in once(records):
            numbers = measured(record)
            columns = tuple(numbers)
            row = np.fromiter(numbers.values(), np.float64, len(columns))
            image = record["image"]
            sums[image] = sums[image] + row if image in sums else row
        table = np.stack(list(sums.values())) if sums else np.zeros((0, 0))
        return cls(columns, table, tuple(sums))

    def __getitem__(self, column: str) -> NDArray[np.float64]:
        """Float64 (images,): one of the columns; of no image where there was no record."""
        return self.table[:, self.columns.index(column)] if len(self.table) else np.zeros(0)

    def scores(
        self,
        metrics: Sequence[str],
        *,
        over: str = SENTENCES,
        counted: str | None = None,
        unit: str = SENTENCES,
        seed: int = 0,
    ) -> list[Score]:
        """Sum of a column over the sum of another, for each of some columns.

        Images whose denominator is 0 add nothing to a ratio and are not drawn.

        Args:
            metrics: columns, each a numerator and the name of its score.
            over: the column that is the denominator.
            counted: the column that counts the samples of the score; ``over`` where it is None.
            unit: what a sample is called.
            seed: of the bootstrap.

        Returns:
            Scores in the order of ``metrics``; without an interval where all denominators are 0.
        """
        samples, bottom = self[counted or over], self[over]
        spread = (round(float(samples.sum())), unit, int((samples > 0).sum()))
        drawn = bottom > 0
        intervals: Sequence[Interval | None] = [None] * len(metrics)
        if drawn.any():
            tops = np.stack([self[metric][drawn] for metric in metrics], axis=1)
            intervals = bootstrap_ratios(tops, bottom[drawn], seed=seed)
        return [Score(name, found, *spread) for name, found in zip(metrics, intervals, strict=True)]
