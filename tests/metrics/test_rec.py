"""Boxes of single objects, by hand and against a count of unit squares."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import Rec, RefL4

CASES = 1000
SIDE = 7


def squares(box: tuple | None) -> set[tuple[int, int]]:
    """The unit squares of a box with whole edges."""
    if box is None:
        return set()
    x0, y0, x1, y1 = box
    return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}


def plain_iou(one: tuple | None, two: tuple | None) -> Fraction:
    union = len(squares(one) | squares(two))
    return Fraction(len(squares(one) & squares(two)), union) if union else Fraction(0)


def random_box(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """With whole edges; now and then without width or height, or everything."""
    x0, x1 = sorted(rng.integers(0, SIDE + 1, 2).tolist())
    y0, y1 = sorted(rng.integers(0, SIDE + 1, 2).tolist())
    kind = rng.integers(0, 10)
    return (0, 0, SIDE, SIDE) if kind == 0 else (x0, y0, x0 if kind == 1 else x1, y1)


def fuzzed() -> list[tuple]:
    rng = np.random.default_rng(0)
    cases = []
    for number in range(CASES):
        truth = random_box(rng)
        same = number % 5 == 0
        predicted = None if number % 11 == 0 else truth if same else random_box(rng)
        if number % 13 == 0:  # half of it, so that IoUs tie with a threshold
            predicted, truth = (0, 0, 2, 3), (0, 0, 2, 6)
        point = None if number % 7 == 0 else tuple((rng.integers(-1, 2 * SIDE + 2, 2) / 2).tolist())
        cases.append((predicted, truth, point))
    return cases


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def plain_scores(cases: list[tuple], *, strict: bool = False) -> dict[str, float]:
    ious = [plain_iou(predicted, truth) for predicted, truth, _ in cases]

    def acc(percent: int) -> float:
        bar = Fraction(percent, 100)
        return share([iou > bar if strict else iou >= bar for iou in ious])

    found = {"Acc@0.5": acc(50), "Acc@0.75": acc(75), "Acc@0.9": acc(90)}
    steps = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95]
    return {**found, "mAcc": sum(map(acc, steps)) / 10}


def plain_inside(box: tuple, point: tuple | None) -> bool:
    return point is not None and (np.floor(point[0]), np.floor(point[1])) in squares(box)


@pytest.mark.parametrize("start", [0, 500, 990])
def test_scores_are_those_of_counted_squares(start: int) -> None:
    cases = fuzzed()[start:]
    rows = [Rec().record(n, n // 3, p, t, point=q) for n, (p, t, q) in enumerate(cases)]
    assert [row["iou"] for row in rows] == [float(plain_iou(p, t)) for p, t, _ in cases]
    expected = plain_scores(cases)
    centres = [p and ((p[0] + p[2]) / 2, (p[1] + p[3]) / 2) for p, _, _ in cases]
    expected["centre"] = share([plain_inside(c[1], m) for c, m in zip(cases, centres, strict=True)])
    expected["pointing"] = share([plain_inside(truth, point) for _, truth, point in cases])
    scores = {score.metric: score.interval.value for score in Rec().scores(rows)}
    assert scores == pytest.approx(expected, abs=1e-12)


def test_the_fuzz_holds_ties_misses_and_boxes_without_area() -> None:
    ious = [plain_iou(predicted, truth) for predicted, truth, _ in fuzzed()]
    assert ious.count(Fraction(1, 2)) >= 3
    assert sum(predicted is None for predicted, *_ in fuzzed()) > 80
    assert sum(not squares(truth) for _, truth, _ in fuzzed()) > 80


def test_pycocotools_says_the_same() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(1)
    for number in range(CASES):
        corners = rng.random((2, 2, 2)) * 50
        one, two = (np.concatenate([c.min(axis=0), c.max(axis=0)]) for c in corners)
        sized = [np.array([[b[0], b[1], b[2] - b[0], b[3] - b[1]]]) for b in (one, two)]
        expected = coco.iou(*sized, [0])[0, 0]
        assert Rec().record(number, 0, one, two)["iou"] == pytest.approx(expected, abs=1e-9)


def by_hand() -> list[dict]:
    truth = (0, 0, 10, 10)
    return [
        Rec().record("same", "x", truth, truth, point=(9.9, 0)),
        Rec().record("three quarters", "x", (0, 0, 10, 7.5), truth, point=(10, 5)),
        Rec().record("half", "y", (0, 0, 20, 10), truth, point=(5, 5)),  # its centre: (10, 5)
        Rec().record("none", "y", None, truth, point=None),
    ]


def test_by_hand() -> None:
    scores = {score.metric: score for score in Rec().scores(by_hand())}
    values = {name: score.interval.value for name, score in scores.items()}
    assert list(values) == ["Acc@0.5", "Acc@0.75", "Acc@0.9", "mAcc", "centre", "pointing"]
    assert list(values.values()) == pytest.approx([0.75, 0.5, 0.25, (10 + 6 + 1) / 40, 0.5, 0.5])
    assert (scores["mAcc"].n, scores["mAcc"].unit, scores["mAcc"].images) == (4, "sentences", 2)


def test_areas_are_continuous_without_a_pixel_more() -> None:
    assert Rec().record(1, 1, (0, 0, 1, 1), (0, 0, 2, 1))["iou"] == 0.5


def test_methods_without_points_have_no_pointing() -> None:
    metric = Rec(points=False)
    row = metric.record(1, 1, (0, 0, 2, 2), (0, 0, 2, 2))
    assert "pointing" not in row
    assert [score.metric for score in metric.scores([row])][-1] == "centre"
    with pytest.raises(BadSampleError, match="no 'pointing'"):
        Rec().scores([row])


def test_pointing_prefers_the_mask_to_the_box() -> None:
    ring = np.ones((3, 3), dtype=bool)
    ring[1, 1] = False
    box = (0, 0, 3, 3)
    assert Rec().record(1, 1, box, box, point=(1.5, 1.5))["pointing"] is True
    assert Rec().record(1, 1, box, box, point=(1.5, 1.5), mask=ring)["pointing"] is False
    assert Rec().record(1, 1, box, box, point=(0.5, 1.5), mask=ring)["pointing"] is True


BAD = [
    ((0, 0, np.nan, 1), "four finite numbers"),
    ((0, 0, np.inf, 1), "four finite numbers"),
    ((0, 0, 1), "four finite numbers"),
    ((0, 0, 1, 1, 1), "four finite numbers"),
    ((5, 0, 4, 1), r"x0 <= x1 and y0 <= y1, got \(5, 0, 4, 1\).*width, height"),
    ((0, 5, 1, 4), "x0 <= x1 and y0 <= y1"),
]


@pytest.mark.parametrize(("box", "message"), BAD)
def test_boxes_that_are_none_are_refused(box: tuple, message: str) -> None:
    fine = (0, 0, 1, 1)
    with pytest.raises(BadSampleError, match="predicted box must.*" + message):
        Rec().record(1, 1, box, fine)
    with pytest.raises(BadSampleError, match="true box must.*" + message):
        Rec().record(1, 1, fine, box)
    with pytest.raises(BadSampleError, match="predicted box must.*" + message):
        RefL4().record(1, 1, box, fine, "cat")
    with pytest.raises(BadSampleError, match="true box must.*" + message):
        RefL4().record(1, 1, fine, box, "cat")


@pytest.mark.parametrize("point", [(1,), (1, 2, 3), (np.nan, 0), (0, np.inf)])
def test_points_that_are_none_are_refused(point: tuple) -> None:
    with pytest.raises(BadSampleError, match="two finite numbers"):
        Rec().record(1, 1, None, (0, 0, 1, 1), point=point)


# Ref-L4


def plain_ref_l4(cases: list[tuple], scale: int) -> dict[str, float | None]:
    found = dict(plain_scores(cases, strict=True))
    groups: dict[str, list] = {"small": [], "medium": [], "large": []}
    kinds: dict[int, list] = {}
    for number, case in enumerate(cases):
        area = len(squares(case[1])) * scale * scale
        size = "small" if area < 128**2 else "large" if area > 256**2 else "medium"
        groups[size].append(case)
        kinds.setdefault(number % 13 % 4, []).append(case)
    for size, members in groups.items():
        scores = plain_scores(members, strict=True)
        found |= {f"{size} {name}": scores[name] for name in ("Acc@0.5", "mAcc")}
    for name in ("Acc@0.5", "mAcc"):
        shares = [plain_scores(members, strict=True)[name] for members in kinds.values()]
        found[f"class {name}"] = sum(shares) / len(shares)
    return {f"Ref-L4 {name}": value for name, value in found.items()}


@pytest.mark.parametrize("start", [0, 500])
def test_ref_l4_is_that_of_counted_squares(start: int) -> None:
    cases, scale = fuzzed()[start:], 64  # boxes of 2 by 2 squares have a root of 128 pixels
    grown = [[box and tuple(scale * edge for edge in box) for box in case[:2]] for case in cases]
    rows = [RefL4().record(n, n // 3, *boxes, n % 13 % 4) for n, boxes in enumerate(grown)]
    scores = {score.metric: score.interval.value for score in RefL4().scores(rows)}
    assert scores == pytest.approx(plain_ref_l4(cases, scale), abs=1e-12)
    roots = {len(squares(case[1])) for case in cases}
    assert {4, 16} <= roots  # both ties are among them


@pytest.mark.parametrize(
    ("side", "size"),
    [(127.9, "small"), (128, "medium"), (256, "medium"), (256.1, "large"), (0, "small")],
)
def test_ref_l4_sizes_by_hand(side: float, size: str) -> None:
    assert RefL4().record(1, 1, None, (0, 0, side, side), 1)["size"] == size
    assert RefL4().record(1, 1, None, (0, 0, side * 2, side / 2), 1)["size"] == size


def test_ref_l4_wants_more_than_the_threshold() -> None:
    row = RefL4().record(1, 1, (0, 0, 10, 5), (0, 0, 10, 10), 1)
    assert row["iou"] == 0.5
    assert RefL4().scores([row])[0].interval.value == 0
    assert Rec(points=False).scores([row | {"centre": False}])[0].interval.value == 1


def test_ref_l4_unions_are_a_millionth_at_least() -> None:
    speck = (0, 0, 5e-4, 1e-3)  # half a millionth
    assert RefL4().record(1, 1, speck, speck, 1)["iou"] == pytest.approx(0.5)
    assert RefL4().record(1, 1, (1, 1, 1, 1), (1, 1, 1, 1), 1)["iou"] == 0


def test_ref_l4_classes_count_alike_however_many_sentences_they_have() -> None:
    box = (0, 0, 10, 10)
    rows = [RefL4().record(n, n, box, box, "common") for n in range(9)]
    rows.append(RefL4().record(9, 9, None, box, "rare"))
    scores = {score.metric: score for score in RefL4().scores(rows)}
    assert scores["Ref-L4 Acc@0.5"].interval.value == 0.9
    by_class = scores["Ref-L4 class Acc@0.5"]
    assert by_class.interval.value == 0.5
    assert by_class.to_dict()["categories"] == 2
    assert scores["Ref-L4 large mAcc"].interval is None


def test_ref_l4_resamples_average_over_the_categories_drawn() -> None:
    box = (0, 0, 10, 10)
    rows = [RefL4().record(n, n, box, box, n) for n in range(6)]
    by_class = {score.metric: score.interval for score in RefL4().scores(rows)}
    assert by_class["Ref-L4 class Acc@0.5"] == (1, 1, 1)  # those not drawn are no zeros


def test_ref_l4_sizes_and_categories_that_are_none_are_refused() -> None:
    row = RefL4().record(1, 1, None, (0, 0, 1, 1), 1)
    with pytest.raises(BadSampleError, match="one of small, medium, large, got 'tiny'"):
        RefL4().scores([row | {"size": "tiny"}])
    with pytest.raises(BadSampleError, match="id of the category"):
        RefL4().record(1, 1, None, (0, 0, 1, 1), 1.5)
