"""The charts and the table of the demonstration, as blocks of its view."""

from __future__ import annotations

from vlmscope.stats import Interval
from vlmscope.types import Head, HeadEvidence, HeadSet
from vlmscope.viewer.blocks import Block, bars, dots, table

__all__ = ["frequency_bars", "sums_dots", "trust_bars", "trust_table"]

_MOST = 8  # heads in the chart of frequencies


def sums_dots(heads: HeadSet) -> Block:
    """The attention sums of all heads in ascending order, and the threshold at their elbow."""
    return dots(
        heads.sums,
        heads.tau or 0.0,
        title="Attention sum of every head",
        x_label="each dot is one head, sorted",
        y_label="attention on image tokens",
        caption=f"Mean over {heads.samples} scenes. Heads above the bend of the curve stay.",
    )


def frequency_bars(heads: HeadSet, number: str) -> Block:
    """How often each of the most frequent heads was selected; the chosen ones stand out.

    Args:
        heads: the set.
        number: how many are chosen, as a word.
    """
    rows = [
        (str(row.head), _percents(row.frequency), row.head in heads.heads)
        for row in heads.frequencies[:_MOST]
    ]
    return bars(
        rows,
        title="Selection frequency of the most frequent heads",
        unit="%",
        caption=f"How often each head was among the ten tidiest of a scene. The first {number} make the "
        "set; whiskers are 95% intervals.",
    )


def trust_bars(evidence: HeadEvidence) -> Block:
    """Pointing of the set, of each head alone, of random heads and of a random place."""
    rows = [("these heads together", _percents(evidence.pointing), True)]
    for row in evidence.per_head:
        alone = Interval(*row["pointing"])
        rows.append((f"{Head(*row['head'])} alone", _percents(alone), True))
    rivals, chance = evidence.random_pointing, evidence.chance_pointing
    if rivals is not None:
        rows.append(("random heads together", _percents(Interval(rivals, rivals, rivals)), False))
    rows.append(("a random place", _percents(Interval(chance, chance, chance)), False))
    return bars(rows, title="Pointing accuracy", unit="%", chance=100 * chance)


def _percents(interval: Interval) -> Interval:
    value, low, high = (min(100.0, max(0.0, 100 * end)) for end in interval)
    return Interval(value, low, high)


def trust_table(evidence: HeadEvidence, paper: HeadEvidence) -> Block:
    """What the heads are worth in figures.

    Args:
        evidence: under the model's own post-processing.
        paper: under the paper's.
    """
    rows = [
        ("Pointing", _percent(evidence.pointing), f"chance {100 * evidence.chance_pointing:.0f}%"),
        (
            "Enrichment: attention on the object, over its share of the area",
            _times(evidence.enrichment),
            "chance 1",
        ),
        (
            "Acc@0.5: boxes that overlap by half or more",
            _percent(evidence.acc50),
            "model's setting",
        ),
        ("the same", _percent(paper.acc50), "the paper's setting, made for 24x24 cells"),
        ("Mean box overlap", _percent(evidence.mean_iou), "model's setting"),
    ]
    return table(("What", "Value and 95% interval", "Beside"), rows)


def _percent(interval: Interval) -> str:
    return f"{100 * interval.value:.0f}%  ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _times(interval: Interval) -> str:
    return f"{interval.value:.1f}  ({interval.low:.1f} to {interval.high:.1f})"
