"""mIoU and paired differences, against one confusion matrix after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vlmscope.evaluation.confusion import mean_iou as mean_iou_of_triples
from vlmscope.reproduce.gem.counts import Counts, difference, difference_of_gains, mean_iou
from vlmscope.stats import RESAMPLES

CLASSES, IMAGES = 5, 6
Triples = list[list[int]]


def triples(rng: np.random.Generator) -> Triples:
    """Rows (true, predicted, pixels) of an image; class 4 is nowhere, and predicted all the same."""
    cells = [(t, p) for t in range(CLASSES - 1) for p in range(CLASSES) if rng.random() < 0.4]
    return [[t, p, int(rng.integers(1, 50))] for t, p in cells or [(0, 0)]]


def pixels(image: Triples) -> list[list[int]]:
    every = range(CLASSES)
    right = [sum(n for t, p, n in image if t == p == c) for c in every]
    predicted = [sum(n for _, p, n in image if p == c) for c in every]
    return [[c, right[c], predicted[c]] for c in every]


def made(seed: int) -> tuple[Counts, dict[str, list[Triples]]]:
    """Two ways on some images, of which all pixels are the same."""
    rng = np.random.default_rng(seed)
    first = [triples(rng) for _ in range(IMAGES)]
    second = [[[t, int(rng.integers(CLASSES)), n] for t, _, n in image] for image in first]
    ways = {"a": first, "b": second}
    records: dict[str, dict[str, Any]] = {}
    for index in range(IMAGES):
        totals = {t: 0 for t, _, _ in first[index]}
        for t, _, n in first[index]:
            totals[t] += n
        records[f"image {index}"] = {
            "true": [[t, n] for t, n in totals.items()],
            "ways": {way: {"pixels": pixels(images[index])} for way, images in ways.items()},
        }
    return Counts(records, ["a", "b"]), ways


def naive(images: list[Triples]) -> float:
    """mIoU of one pooled matrix."""
    ious = []
    for c in range(CLASSES):
        rows = [row for image in images for row in image]
        true = sum(n for t, _, n in rows if t == c)
        both = sum(n for t, p, n in rows if t == p == c)
        union = sum(n for t, p, n in rows if c in (t, p))
        if true:
            ious.append(both / union)
    return float(np.mean(ious))


@pytest.mark.parametrize("seed", range(4))
def test_miou_and_its_interval_are_those_of_eval(seed: int) -> None:
    counts, ways = made(seed)
    for way, images in ways.items():
        expected = mean_iou_of_triples(images, CLASSES, only_true=True, seed=3)
        assert expected.value == pytest.approx(naive(images))
        assert mean_iou(counts[way], 3) == pytest.approx(expected)
        assert counts[way].miou == pytest.approx(expected.value)


def test_a_difference_is_of_the_same_resamples() -> None:
    counts, ways = made(7)
    draws = np.random.default_rng(0).multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), RESAMPLES)
    differences = []
    for drawn in draws:
        one, two = (
            [image for image, times in zip(ways[way], drawn, strict=True) for _ in range(times)]
            for way in "ab"
        )
        differences.append(naive(one) - naive(two))
    found = difference(counts["a"], counts["b"], 0)
    assert found.value == pytest.approx(naive(ways["a"]) - naive(ways["b"]))
    assert found[1:] == pytest.approx(np.quantile(differences, [0.025, 0.975]).tolist())
    assert difference(counts["a"], counts["a"], 0) == (0, 0, 0)


def test_gains_of_two_groups_are_pooled_within_each() -> None:
    counts, ways = made(9)
    few = np.array([True, False, True, True, False, False])
    groups = [[i for i, is_few in enumerate(few) if is_few is want] for want in (True, False)]
    groups = [np.flatnonzero(few).tolist(), np.flatnonzero(~few).tolist()]
    gains = [
        naive([ways["a"][i] for i in group]) - naive([ways["b"][i] for i in group])
        for group in groups
    ]
    found = difference_of_gains(counts["a"], counts["b"], few, 0)
    assert found.value == pytest.approx(gains[0] - gains[1])
    assert found.low <= found.value <= found.high


def test_the_way_is_chosen_on_the_other_half() -> None:
    counts, ways = made(11)
    best = {parity: max("ab", key=lambda way: naive(ways[way][parity::2])) for parity in (0, 1)}
    mixed, (even, odd) = counts.crossed(["a", "b"])
    assert (even, odd) == (best[1], best[0])
    expected = [ways[(even, odd)[i % 2]][i] for i in range(IMAGES)]
    assert mixed.miou == pytest.approx(naive(expected))


def test_the_number_of_classes_is_that_of_the_image() -> None:
    counts, ways = made(2)
    assert counts.present.tolist() == [len({t for t, _, _ in image}) for image in ways["a"]]
    assert 4 not in counts.labels
