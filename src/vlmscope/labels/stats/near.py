"""Hashes that differ in few bits, all of them, without a look at every pair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vlmscope.options import check_number

__all__ = ["MOST_BITS", "near_groups", "near_pairs"]

MOST_BITS = 8
"""How far apart hashes of 64 bits may be and still be looked for: more would be any two photographs."""

_BITS = 64
_FEW = 1e8  # comparisons that are done before one has thought of fewer
_MOST_AGREEING = 3


def near_groups(hashes: NDArray[np.uint64], bits: int) -> list[NDArray[np.int64]]:
    """Places of hashes that are near another one, group by group, the largest group first.

    A group holds whatever is within ``bits`` of one of its members, so its ends may be farther apart.

    Args:
        hashes: uint64 (n,).
        bits: how many of the 64 may differ, 0 to :data:`MOST_BITS`.

    Raises:
        BadOptionError: another number of bits.
    """
    check_number("near", bits, at_least=0, at_most=MOST_BITS, whole=True)
    if not len(hashes):
        return []
    values, numbers = np.unique(hashes, return_inverse=True)
    first, second = near_pairs(values, bits)
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), (len(values),) * 2)
    _, groups = connected_components(links, directed=False)
    group_of = groups[numbers]
    sizes = np.bincount(group_of)
    order = np.argsort(group_of, kind="stable")
    cuts = np.split(order, np.cumsum(sizes)[:-1])
    found = [places for places in cuts if len(places) > 1]
    return sorted(found, key=lambda places: (-len(places), int(places[0])))


def near_pairs(
    values: NDArray[np.uint64], bits: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places (first, second) of all pairs that differ in at most ``bits`` bits; a pair may come twice.

    Of ``bits + k`` pieces two such hashes agree in at least ``k``, whichever ``k`` is: the more pieces
    are to agree, the fewer hashes do by chance, and the more choices of pieces there are. The first ``k``
    that leaves few comparisons is taken.

    Args:
        values: uint64 (n,), all different.
        bits: how many may differ.
    """
    found: list[NDArray[np.int64]] = []
    if bits:  # else all differ in more
        for mask in _cheapest(values, bits):
            found += _agreeing(values, mask, bits)
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, second = np.concatenate(found, axis=1)
    return first, second


def _cheapest(values: NDArray[np.uint64], bits: int) -> list[np.uint64]:
    best: list[np.uint64] = []
    least = np.inf
    for agreeing in range(1, _MOST_AGREEING + 1):
        masks = _masks(bits, agreeing)
        cost = 0.0
        for mask in masks:
            _, counts = np.unique(values & mask, return_counts=True)
            cost += float((counts.astype(np.float64) * (counts - 1)).sum()) / 2
        if cost < least:
            best, least = masks, cost
        if least <= _FEW:
            break
    return best


def _masks(bits: int, agreeing: int) -> list[np.uint64]:
    """Every choice of ``agreeing`` of ``bits + agreeing`` pieces, as the bits that are in it.

    Neighbouring bits go to different pieces: where pictures have a white edge they are equal together.
    """
    pieces = [
        sum(1 << bit for bit in range(number, _BITS, bits + agreeing))
        for number in range(bits + agreeing)
    ]
    return [np.uint64(sum(chosen)) for chosen in combinations(pieces, agreeing)]


def _agreeing(
    values: NDArray[np.uint64], mask: np.uint64, bits: int
) -> Iterator[NDArray[np.int64]]:
    """Pairs int (2, n) of those that agree in the bits of a mask, and differ in few."""
    masked = values & mask
    order = np.argsort(masked, kind="stable")
    own, keys = values[order], masked[order]
    ends = np.searchsorted(keys, keys, side="right")
    places = np.arange(len(own))
    step = 1
    while True:  # each with the one so many steps after it, as long as they agree
        places = places[places + step < ends[places]]
        if not len(places):
            return
        near = places[_ones(own[places] ^ own[places + step]) <= bits]
        if len(near):
            yield np.stack([order[near], order[near + step]])
        step += 1


def _counted(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits are set, by halves, quarters and eighths."""
    pairs, fours, eights = map(
        np.uint64, (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F)
    )
    values = values - (values >> np.uint64(1) & pairs)
    values = (values & fours) + (values >> np.uint64(2) & fours)
    values = values + (values >> np.uint64(4)) & eights
    return (values * np.uint64(0x0101010101010101) >> np.uint64(56)).astype(np.uint8)


_ones = getattr(np, "bitwise_count", _counted)  # numpy counts them itself since 2.0
