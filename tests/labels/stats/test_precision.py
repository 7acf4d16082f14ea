"""The precision of a folder, and the least score that reaches one, by decisions about a sample."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.labels.audit import Decision, Decisions, Stratum
from vlmscope.labels.stats.least_score import choose_least_score
from vlmscope.labels.stats.precision import Decided, decided_of, measure_precision


def _decisions(strata: list[tuple[int, int]], verdicts: list[str]) -> Decisions:
    """Strata of (objects, drawn); verdicts in letters, a string a stratum."""
    words = {"a": "accept", "r": "reject", "u": "unsure"}
    made = [
        Decision(f"{number}-{at}", "cat", 0, number + at / 100, number, words[letter])
        for number, letters in enumerate(verdicts)
        for at, letter in enumerate(letters)
    ]
    described = [
        Stratum(number, float(number), number + 0.99, False, objects, drawn)
        for number, (objects, drawn) in enumerate(strata)
    ]
    return Decisions("f", None, tuple(described), tuple(made))


def test_strata_count_by_their_size() -> None:
    found = measure_precision(_decisions([(100, 2), (900, 4)], ["rr", "aaar"]))
    assert found.value is not None
    assert found.value.value == pytest.approx(0.9 * 0.75)
    assert found.covered == 1.0
    assert [each.objects for each in found.bins] == [100, 900]
    assert found.bins[1].precision is not None
    assert found.bins[1].precision.value == pytest.approx(0.75)


def test_whoever_stops_early_leaves_out_none_in_particular() -> None:
    found = measure_precision(_decisions([(100, 50), (100, 50)], ["aaaa", "ar"]))
    assert found.value is not None
    assert found.value.value == pytest.approx(0.75)
    assert found.undecided == 94


def test_strata_without_a_decision_are_not_spoken_for() -> None:
    found = measure_precision(_decisions([(300, 5), (100, 5)], ["aa", "uu"]))
    assert found.covered == pytest.approx(0.75)
    assert found.value is not None and found.value.value == 1.0
    assert (found.lowest, found.highest) == (pytest.approx(0.75), 1.0)


def test_all_accepted_is_not_certain() -> None:
    found = measure_precision(_decisions([(1000, 20)], ["a" * 20]))
    assert found.value is not None
    assert found.value.value == 1.0 and 0.8 < found.value.low < 0.9


def test_no_decision_has_no_precision() -> None:
    found = measure_precision(_decisions([(10, 5)], [""]))
    assert (found.value, found.lowest, found.covered) == (None, None, 0.0)
    assert found.to_dict()["precision"] is None
    unsure = measure_precision(_decisions([(10, 5)], ["uuu"]))
    assert unsure.value is None and unsure.highest == 1.0


def _drawn(count: int, seed: int = 0, above: float = 0.6) -> Decided:
    """Decisions about scores of 0..1: right above a score, half of them right below it."""
    rng = np.random.default_rng(seed)
    scores = rng.random(count)
    right = (scores >= above) | (rng.random(count) < 0.5)
    names = np.array([f"image {number}" for number in range(count)])
    return Decided(right, np.ones(count), names, scores)


def test_the_least_score_holds_on_the_half_that_did_not_choose_it() -> None:
    decided = _drawn(600)
    found = choose_least_score(decided, np.linspace(0, 1, 1001), 0.9)
    assert found.score is not None and found.shown is not None
    assert 0.3 < found.score < 0.65  # 0.9 = 0.4 + 0.5 (0.6 - t) over 1 - t: t = 0.5
    assert found.chosen == pytest.approx(0.9, abs=0.02)
    assert abs(found.shown.value - 0.9) < 0.08
    assert found.kept == pytest.approx(1 - found.score, abs=0.01)
    assert "on the other half of the decisions" in found.sentence


def test_the_half_that_chooses_shows_nothing() -> None:
    decided = _drawn(600)
    found = choose_least_score(decided, decided.scores, 0.9)
    first = choose_least_score(decided.where(np.arange(600) % 2 == 0), decided.scores, 0.9)
    assert found.decisions < 300
    assert first.score != found.score


def test_weights_count_in_the_choice() -> None:
    decided = _drawn(600)
    heavy = Decided(
        decided.accepted, np.where(decided.accepted, 9.0, 1.0), decided.images, decided.scores
    )
    even = choose_least_score(decided, decided.scores, 0.9).score
    uneven = choose_least_score(heavy, decided.scores, 0.9).score
    assert even is not None and uneven is not None and uneven < even


def test_a_precision_that_is_reached_everywhere_cuts_nothing() -> None:
    decided = _drawn(200, above=-1.0)
    found = choose_least_score(decided, decided.scores, 0.9)
    assert found.kept is not None and found.kept > 0.95
    assert found.sentence.endswith("0.9 is reached.")


@pytest.mark.parametrize(
    ("decided", "precision", "sentence"),
    [
        (_drawn(40), 0.9, "40 decisions for or against are too few"),
        (_drawn(300, above=2.0), 0.95, "No score reaches a precision of 0.95"),
        (_drawn(300, above=2.0), 0.01, "0.01 is reached"),
    ],
)
def test_what_is_said_where_no_score_can_be_chosen(
    decided: Decided, precision: float, sentence: str
) -> None:
    found = choose_least_score(decided, decided.scores, precision)
    assert sentence in found.sentence
    assert (found.score is None) == ("reached" not in found.sentence or "No score" in sentence)


def test_luck_is_called_luck() -> None:
    decided = _drawn(400, above=2.0)
    names, accepted = decided.images, decided.accepted.copy()
    from vlmscope.labels.stats.least_score import _is_first

    accepted[[_is_first(name) for name in names.tolist()]] = True  # right where the choice is made
    found = choose_least_score(
        Decided(accepted, decided.weights, names, decided.scores), decided.scores, 0.9
    )
    assert "0.9 is not reached: the choice was luck" in found.sentence


def test_decisions_about_objects_without_a_score_choose_none() -> None:
    decisions = _decisions([(100, 80)], ["a" * 80])
    decided = decided_of(decisions)
    blank = Decided(decided.accepted, decided.weights, decided.images, np.full(80, np.nan))
    assert choose_least_score(blank, np.zeros(0), 0.9).score is None
