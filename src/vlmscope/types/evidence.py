"""A head set as tables and as a card: the heads, where they come from, what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.markup import Table, card, table
from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.types.heads import HeadEvidence, HeadSet

__all__ = ["evidence_table", "frequency_table", "head_set_card", "heads_table", "origin"]

_SHOWN, _NAMED = 10, 24  # heads in the table of frequencies at least, and in the title


def origin(heads: HeadSet) -> list[tuple[str, object]]:
    """Where a set comes from, name and value."""
    rows: list[tuple[str, object]] = [
        ("source", heads.source),
        ("revision", heads.revision),
        ("read-out row", heads.rows),
        ("prompt", heads.prompt),
    ]
    if heads.samples:
        rows.append(("samples", f"{heads.samples} in {heads.trials} trials"))
    if heads.tau is not None:
        rows.append(("attention sum at least", heads.tau))
    return rows


def frequency_table(heads: HeadSet) -> Table:
    """The heads that discovery met most often."""
    rows = [
        (
            "*" if row.head in heads.heads else "",
            row.head,
            _percent(row.frequency),
            row.attention_sum,
            row.entropy,
        )
        for row in heads.frequencies[: max(_SHOWN, len(heads.heads))]
    ]
    return ("", "head", "selected in % of samples", "attention sum", "entropy"), rows


def evidence_table(evidence: HeadEvidence) -> Table:
    """What the combined heads are worth, beside chance."""
    rivals = evidence.random_pointing
    rows = [
        (
            "pointing %",
            _percent(evidence.pointing),
            f"{100 * evidence.chance_pointing:.1f}",
            "-" if rivals is None else f"{100 * rivals:.1f}",
        ),
        ("enrichment", _interval(evidence.enrichment), "1", "-"),
        ("Acc@0.5 %", _percent(evidence.acc50), "-", "-"),
        ("mean box IoU %", _percent(evidence.mean_iou), "-", "-"),
    ]
    if evidence.mask_iou is not None:
        rows.append(("mean mask IoU %", _percent(evidence.mask_iou), "-", "-"))
    return ("combined", "value", "chance", "random heads"), rows


def heads_table(evidence: HeadEvidence) -> Table:
    """What each head is worth alone."""
    rows = [
        (
            "L{}H{}".format(*row["head"]),
            _percent(Interval(*row["pointing"])),
            _interval(Interval(*row["enrichment"])),
            _percent(Interval(*row["acc50"])),
            f"{row['percentile']:.0f}",
        )
        for row in evidence.per_head
    ]
    return ("head", "pointing %", "enrichment", "Acc@0.5 %", "percentile of all heads"), rows


def head_set_card(heads: HeadSet) -> str:
    """The set as HTML."""
    evidence = heads.evidence
    parts = [table((("origin", ""), origin(heads)))]
    notes = list(heads.skipped[:3])
    if evidence is None:
        notes.append("Not verified: vs.verify_heads measures what these heads are worth.")
    else:
        beneath = f"On {evidence.samples} samples, with 95% intervals."
        parts.append(table(evidence_table(evidence), beneath))
        parts += [table(heads_table(evidence))] if evidence.per_head else []
        if not evidence.better_than_chance:
            notes.append("These heads are no better than chance here.")
    names = ", ".join(map(str, heads.heads[:_NAMED])) + ("…" if len(heads.heads) > _NAMED else "")
    return card(f"Heads of {heads.model}: {names}", *parts, lead=heads.notes, notes=notes)


def _percent(interval: Interval) -> str:
    low, high = (max(0.0, 100 * bound) for bound in (interval.low, interval.high))
    return f"{100 * interval.value:.1f} [{low:.1f}, {high:.1f}]"


def _interval(interval: Interval) -> str:
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
