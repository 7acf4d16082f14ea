"""Areas and F1 of signs, on mentions small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.analysis.hallucination.detection import Mentions, average_precision, base_rates
from vlmscope.analysis.hallucination.result import HallucinationScores
from vlmscope.analysis.hallucination.signs import SIGNS
from vlmscope.analysis.hallucination.table import hallucination_table, summary

REAL = [True, False, True, False, True, False, True, False]
IMAGES = [0, 0, 1, 1, 2, 2, 3, 3]
TABLE = Mentions(REAL, IMAGES)
PERFECT = np.array([float(each) for each in REAL])


def test_a_sign_that_knows_is_perfect_and_its_reverse_never_right() -> None:
    assert tuple(TABLE.area(PERFECT, 0)) == (1.0, 1.0, 1.0)
    assert TABLE.precision(PERFECT, 0).value == TABLE.f1(PERFECT, 0).value == 1.0
    assert TABLE.area(-PERFECT, 0).value == 0.0
    assert TABLE.area_beyond(PERFECT, -PERFECT, 0).value == 1.0


def test_the_threshold_comes_from_the_other_half() -> None:
    # the halves lie apart: what is right on one calls nothing on the other, or everything
    shifted = PERFECT + np.array([0, 0, 10, 10, 0, 0, 10, 10])
    assert TABLE.area(shifted, 0).value == 0.75
    # images 0 and 2: threshold 10 calls all four (2 hits), 1 and 3: threshold 0 calls none
    assert TABLE.f1(shifted, 0).value == pytest.approx(2 * 2 / (4 + 4))


def test_precision_takes_ties_together_and_counts_how_often_each_is_drawn() -> None:
    wanted = np.array([True, False, True])
    same = average_precision(np.zeros(3), wanted, np.ones((1, 3)))
    assert same[0] == pytest.approx(2 / 3)
    ranked = average_precision(np.array([3.0, 2.0, 1.0]), wanted, np.array([[1, 1, 1], [0, 2, 1]]))
    assert ranked == pytest.approx([(1 + 2 / 3) / 2, 1 / 3])
    assert np.isnan(average_precision(np.zeros(3), wanted, np.array([[0, 1, 0]]))[0])


def test_a_base_rate_is_that_of_the_object_on_the_other_half() -> None:
    table = Mentions([True, True, False, True], ["a", "a", "b", "b"])
    rates = base_rates(["dog", "cat", "dog", "dog"], table)
    assert rates == pytest.approx([2 / 4, 1 / 2, 2 / 3, 2 / 3])


def result(real: list[bool]) -> HallucinationScores:
    signs = dict.fromkeys(SIGNS, 0.5)
    mentions = [
        {"image": str(n), "id": str(n), "object": "dog", "word": "dog", "real": r, "signs": signs}
        for n, r in enumerate(real)
    ]
    return HallucinationScores({"model": "m"}, mentions, {"answer of no": 3}, 9)


def test_without_both_kinds_nothing_is_measured_and_it_is_said() -> None:
    alone = result([True, True])
    assert all(score.area is None for score in alone.scores)
    assert "All mentions are real" in summary(alone)[1] and summary(alone)[-1] == "3 x answer of no"
    assert hallucination_table(alone)[1][0][2:] == ["-"] * 4
    assert result([True, False]).to_dict()["scores"]["image share"]["AUROC"][0] == 0.5


def test_a_sign_is_chosen_on_one_half_and_measured_on_the_other() -> None:
    # the lens knows on images 0 and 2, agreement on images 1 and 3
    lens = [float(r) if n in (0, 2) else 0.5 for n, r in zip(IMAGES, REAL, strict=True)]
    agreement = [float(r) if n in (1, 3) else 0.5 for n, r in zip(IMAGES, REAL, strict=True)]
    mentions = [
        {**each, "image": image, "signs": {**each["signs"], "logit lens": a, "head agreement": b}}
        for each, image, a, b in zip(result(REAL).mentions, IMAGES, lens, agreement, strict=True)
    ]
    found = HallucinationScores({"model": "m"}, mentions, {}, 8)
    assert [each.sign for each in found.chosen] == ["logit lens", "head agreement"]
    assert [each.area.value for each in found.chosen] == [0.5, 0.5]
    assert "chosen on one half of the images: logit lens" in summary(found)[1]
    assert len(found.to_dict()["chosen"]) == 2
    assert not HallucinationScores({"model": "m"}, mentions[:2], {}, 8).chosen
