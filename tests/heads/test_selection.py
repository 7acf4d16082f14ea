"""Marks, frequencies and order, on statistics made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.heads import DiscoveryOptions
from vlmscope.heads.criteria import elbow
from vlmscope.heads.measures import Measures
from vlmscope.heads.selection import select

ALL = DiscoveryOptions(trials=1, draw=1.0, candidates=1)
ENTROPY_ALONE = DiscoveryOptions(trials=1, draw=1.0, candidates=1, criterion="entropy")


def _measures(sums: object, area: object, **more: object) -> Measures:
    sums, area = np.array(sums, dtype=float), np.array(area, dtype=float)
    mass = np.array(more.get("mass", area), dtype=float)
    bottom = np.array(more.get("bottom", np.zeros_like(sums)), dtype=bool)
    return Measures(sums, area, mass, bottom)


def test_a_head_must_pass_the_sum_to_be_marked_for_its_entropy() -> None:
    # head 3 has the lowest entropy but hardly any attention on the image
    found = select(_measures([[0.1, 0.12, 0.9, 0.11]] * 2, [[0.5, 0.4, 0.3, 0.0]] * 2), ALL)
    assert found.frequency.tolist() == [0, 0, 1, 0]
    assert found.tau == pytest.approx(0.12) and found.order[0] == 2


def test_fault_elbow_by_index_instead_of_by_value() -> None:
    # sorted, the elbow (.2) stands at index 2; compared by index, heads 2, 3 and 4 would pass: the
    # three that look at the image least, and 3 would win by its entropy
    sums = [[0.9, 0.95, 0.2, 0.18, 0.15]]
    found = select(_measures(sums, [[0.2, 0.4, 0.5, 0.1, 0.1]]), ALL)
    assert found.tau == pytest.approx(0.2)
    assert found.survivors == 3
    assert found.order[0] == 0 and found.frequency.tolist() == [1, 0, 0, 0, 0]


def test_a_head_whose_sum_equals_tau_survives_and_is_marked() -> None:
    # the elbow is the value of head 1 itself, which has the lowest entropy
    found = select(_measures([[0.1, 0.12, 0.9, 0.11]] * 2, [[0.0, 0.1, 0.3, 0.0]] * 2), ALL)
    assert found.tau == 0.12 and found.survivors == 2
    assert found.frequency.tolist() == [0, 1, 0, 0]


def test_elbow_is_of_the_mean_over_samples_not_of_each() -> None:
    sums = np.random.default_rng(0).exponential(0.2, size=(5, 20))
    found = select(_measures(sums, np.zeros((5, 20))), ALL)
    assert found.tau == elbow(sums.mean(axis=0)) != pytest.approx(np.mean([*map(elbow, sums)]))
    assert found.trial_taus == (found.tau,)
    assert found.survivors == (sums.mean(axis=0) >= found.tau).sum() < 20


@pytest.mark.parametrize(("criterion", "winner"), [("both", 2), ("sum", 1), ("entropy", 0)])
def test_each_criterion_alone_chooses_otherwise(criterion: str, winner: int) -> None:
    sums = [[0.1, 0.95, 0.9, 0.12, 0.11]] * 3
    area = [[0.0, 2.0, 0.2, 1.0, 1.0]] * 3
    options = DiscoveryOptions(trials=1, draw=1.0, candidates=1, criterion=criterion)
    found = select(_measures(sums, area), options)
    assert found.order[0] == winner and found.frequency[winner] == 1
    assert (found.tau is None) == (criterion == "entropy")


def test_the_entropy_alone_knows_no_threshold() -> None:
    measures = _measures([[0.1, 0.95, 0.9, 0.12]], [[0.0, 2.0, 0.2, 1.0]])
    found = select(measures, DiscoveryOptions(trials=2, draw=1.0, criterion="entropy"))
    assert (found.tau, found.trial_taus, found.survivors) == (None, (), 4)


def test_a_head_whose_sum_equals_tau_survives() -> None:
    # head 1 is the elbow itself, and has the lowest entropy
    found = select(_measures([[0.1, 0.2, 0.9]], [[0.0, 0.1, 0.5]]), ALL)
    assert found.tau == 0.2 and found.survivors == 2
    assert found.marks.tolist() == [[0, 1, 0]]


def test_every_trial_is_judged_by_its_own_threshold() -> None:
    # one sample a trial: head 0 has the lowest entropy and passes neither its sample's elbow (.2 and
    # .8), but in the second sample it would pass that of the first; head 1 would not pass in the
    # first that of the second
    measures = _measures([[0.1, 0.2, 0.9], [0.3, 0.8, 0.9]], [[0.0, 0.5, 0.9]] * 2)
    found = select(measures, DiscoveryOptions(trials=20, draw=0.5, candidates=1))
    one, two = found.draws.tolist()
    assert one + two == 20 and one > 0 and two > 0
    assert found.marks.tolist() == [[0, one, 0], [0, two, 0]]
    assert sorted(found.trial_taus) == [0.2] * int(one) + [0.8] * int(two)
    # over both samples the sums are .2, .5 and .9
    assert found.tau == pytest.approx(0.5) and found.survivors == 2


@pytest.mark.parametrize(("samples", "draw", "drawn"), [(1, 0.1, 1), (3, 0.3, 1), (4, 0.5, 2)])
def test_a_trial_draws_its_share_and_one_sample_at_least(
    samples: int, draw: float, drawn: int
) -> None:
    measures = _measures(np.full((samples, 2), 0.5), np.zeros((samples, 2)))
    found = select(measures, DiscoveryOptions(trials=6, draw=draw))
    assert found.draws.sum() == 6 * drawn


def test_mass_entropy_is_used_when_asked_for() -> None:
    measures = _measures([[0.9, 0.9]], [[0.1, 0.2]], mass=[[0.2, 0.1]])
    by_area, by_mass = (
        select(measures, DiscoveryOptions(trials=1, draw=1.0, candidates=1, entropy=kind))
        for kind in ("area", "mass")
    )
    assert (by_area.order[0], by_mass.order[0]) == (0, 1)


def test_bottom_row_filter_drops_the_map_in_that_sample_only() -> None:
    measures = _measures([[0.9, 0.9]] * 2, [[0.1, 0.5]] * 2, bottom=[[True, False], [False, False]])
    off = select(measures, ALL)
    on = select(measures, DiscoveryOptions(trials=1, draw=1.0, candidates=1, bottom_row=True))
    assert off.frequency.tolist() == [1, 0]
    assert on.frequency.tolist() == [0.5, 0.5]


def test_equal_entropies_go_by_attention() -> None:
    found = select(_measures([[0.1, 0.8, 0.85, 0.9]], [[0.0, 0.0, 0.0, 0.0]]), ALL)
    assert found.survivors == 3 and found.frequency.tolist() == [0, 0, 0, 1]


def test_maps_without_entropy_are_never_marked() -> None:
    options = DiscoveryOptions(trials=1, draw=1.0, candidates=10)
    found = select(_measures([[0.9, 0.9]], [[np.inf, 0.5]]), options)
    assert found.frequency.tolist() == [0, 1]


def test_as_many_heads_are_marked_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    measures = _measures(np.full((7, 30), 0.5), rng.random((7, 30)))
    found = select(measures, DiscoveryOptions(trials=3, draw=1.0, candidates=10))
    np.testing.assert_array_equal(found.marks.sum(axis=1), 30)


def test_trials_draw_different_samples_and_frequencies_average_over_them() -> None:
    rng = np.random.default_rng(1)
    measures = _measures(rng.random((40, 12)), rng.random((40, 12)))
    found = select(measures, DiscoveryOptions(trials=5, draw=0.5, candidates=3))
    assert found.draws.sum() == 5 * 20 and len(set(found.draws.tolist())) > 1
    assert len(set(found.trial_taus)) > 1
    assert found.frequency.sum() == pytest.approx(3)
    np.testing.assert_allclose(found.frequency, found.marks.sum(0) / 100)


def test_the_seed_decides_the_draws() -> None:
    rng = np.random.default_rng(2)
    measures = _measures(rng.random((30, 8)), rng.random((30, 8)))
    one, same, other = (
        select(measures, DiscoveryOptions(draw=0.5, seed=seed)).marks for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_equal_frequencies_are_ordered_by_entropy_then_by_attention() -> None:
    measures = _measures([[0.5, 0.5, 0.9]], [[0.3, 0.1, 0.3]])
    found = select(measures, DiscoveryOptions(trials=1, draw=1.0, criterion="entropy"))
    assert found.order.tolist() == [1, 2, 0]


def test_the_order_goes_by_the_mean_of_the_entropies_there_are() -> None:
    # head 2 is marked in both samples, the others never
    area = [[np.inf, 0.3, 0.0, np.inf, np.inf], [0.2, 0.3, 0.0, np.inf, np.inf]]
    left_in_memory = [np.full(5, -9.0) for _ in range(9)]
    del left_in_memory  # what is not divided is written all the same
    with np.errstate(all="raise"):
        found = select(_measures([[0.5] * 4 + [0.6]] * 2, area), ENTROPY_ALONE)
    assert found.frequency.tolist() == [0, 0, 1, 0, 0]
    assert found.order.tolist() == [2, 0, 1, 4, 3]


def test_a_fixed_threshold_takes_the_place_of_every_elbow() -> None:
    measures = _measures([[0.1, 0.5, 0.9]] * 4, [[0.1, 0.2, 0.3]] * 4)
    options = DiscoveryOptions(trials=2, draw=0.5, candidates=1)
    assert select(measures, options).frequency.tolist() != [0, 1, 0]
    found = select(measures, options, fixed_tau=0.24)
    assert found.tau == 0.24 and found.trial_taus == (0.24, 0.24)
    assert found.survivors == 2
    assert found.frequency.tolist() == [0, 1, 0]
    assert select(measures, options, fixed_tau=0.95).frequency.tolist() == [0, 0, 0]
