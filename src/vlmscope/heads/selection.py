"""From statistics to heads: elbow, marks, selection frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError
from vlmscope.heads.criteria import elbow
from vlmscope.heads.measures import Measures
from vlmscope.heads.options import DiscoveryOptions

__all__ = ["Selection", "select"]


_WITHOUT_SUM = ("entropy", "contrastive")  # criteria in which the threshold plays no part


@dataclass(frozen=True, eq=False)
class Selection:
    """What the criteria say of the considered heads, in the order of the measures' columns.

    Attributes:
        marks: float (samples, heads), in how many trials the head was marked in the sample.
        draws: float (samples,), in how many trials the sample was drawn.
        frequency: float (heads,), share of all drawn samples in which the head was marked.
        tau: threshold on the mean attention sum over all samples, or None where it plays no part.
        trial_taus: each trial's own.
        survivors: how many heads reach tau over all samples.
        order: int (heads,), best first: by frequency, then lower entropy (contrastive: how far maps
            move), then larger sum.
    """

    marks: NDArray[np.float64]
    draws: NDArray[np.float64]
    frequency: NDArray[np.float64]
    tau: float | None
    trial_taus: tuple[float, ...]
    survivors: int
    order: NDArray[np.int64]


def select(
    measures: Measures, options: DiscoveryOptions, *, fixed_tau: float | None = None
) -> Selection:
    """Apply the criteria in every trial and count (docs/methods/localization-heads.md, Discovery).

    Args:
        measures: statistics of at least one sample and one head.
        options: see :class:`DiscoveryOptions`.
        fixed_tau: the threshold on the attention sum, 0..1, in place of each trial's own elbow.
    """
    samples, heads = measures.sums.shape
    rng = np.random.default_rng(options.seed)
    size = max(1, round(options.draw * samples))
    marks, draws = np.zeros((samples, heads)), np.zeros(samples)
    taus = []
    for _ in range(options.trials):
        drawn = np.sort(rng.permutation(samples)[:size])
        sums = measures.sums[drawn].mean(axis=0)
        taus.append(elbow(sums) if fixed_tau is None else fixed_tau)
        marks[drawn] += _marks(_costs(measures, drawn, sums >= taus[-1], options), options)
        draws[drawn] += 1
    frequency = marks.sum(axis=0) / draws.sum()
    sums = measures.sums.mean(axis=0)
    tau = elbow(sums) if fixed_tau is None else fixed_tau
    return Selection(
        marks=marks,
        draws=draws,
        frequency=frequency,
        tau=None if options.criterion in _WITHOUT_SUM else tau,
        trial_taus=() if options.criterion in _WITHOUT_SUM else tuple(taus),
        survivors=heads if options.criterion in _WITHOUT_SUM else int((sums >= tau).sum()),
        order=np.lexsort((-sums, _ties(measures, options), -frequency)),
    )


def entropies_of(measures: Measures, options: DiscoveryOptions) -> NDArray[np.float64]:
    """(samples, heads), the kind of entropy that the options ask for."""
    return measures.mass if options.entropy == "mass" else measures.area


def _costs(
    measures: Measures,
    drawn: NDArray[np.int64],
    passed: NDArray[np.bool_],
    options: DiscoveryOptions,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What heads are marked by in each drawn sample, lowest first, and what breaks ties."""
    sums = measures.sums[drawn]
    if options.criterion == "contrastive":
        costs = -_moved(measures)[drawn]
    elif options.criterion == "sum":
        costs = np.where(passed, -sums, np.inf)
    else:
        costs = entropies_of(measures, options)[drawn].copy()
        if options.criterion in ("both", "coordinates"):
            costs[:, ~passed] = np.inf
    if options.bottom_row:
        costs = np.where(measures.bottom[drawn], np.inf, costs)
    return costs, -sums


def _marks(
    costs: tuple[NDArray[np.float64], NDArray[np.float64]], options: DiscoveryOptions
) -> NDArray[np.bool_]:
    """Bool (samples, heads): the ``candidates`` lowest finite costs of each sample."""
    cost, tie = costs
    # maps with a single component all have entropy 0; the one with more attention goes first
    order = np.lexsort((tie, cost), axis=-1)[:, : options.candidates]
    marked = np.zeros(cost.shape, dtype=bool)
    np.put_along_axis(marked, order, np.isfinite(np.take_along_axis(cost, order, -1)), -1)
    return marked


def _moved(measures: Measures) -> NDArray[np.float64]:
    if measures.moved is None:
        raise BadOptionError(
            "These measurements hold no distractors, which the contrastive criterion ranks by. Discover "
            "anew with criterion='contrastive'."
        )
    return measures.moved


def _ties(measures: Measures, options: DiscoveryOptions) -> NDArray[np.float64]:
    """(heads,): among heads of one frequency the lowest goes first."""
    if options.criterion == "contrastive":
        ties: NDArray[np.float64] = -_moved(measures).mean(axis=0)
        return ties
    return _mean_entropy(measures, options)


def _mean_entropy(measures: Measures, options: DiscoveryOptions) -> NDArray[np.float64]:
    """(heads,): mean over the samples in which it is finite; infinite where it never is."""
    values = entropies_of(measures, options)
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    total = np.where(finite, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(len(count), np.inf), where=count > 0)
