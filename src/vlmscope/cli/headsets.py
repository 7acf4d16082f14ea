"""A head set as text: the heads, where they come from, and what they are worth."""

from __future__ import annotations

from vlmscope.cli.console import emit, emit_table
from vlmscope.types import HeadEvidence, HeadSet, Interval

__all__ = ["show_head_set"]

_SHOWN = 10


def show_head_set(heads: HeadSet) -> None:
    """Print the heads, the most frequent candidates and the evidence."""
    emit(f"Heads of {heads.model}: {', '.join(map(str, heads.heads))}")
    emit("")
    emit_table(("", "origin", ""), [("", *row) for row in _origin(heads)])
    if heads.frequencies:
        emit("")
        _show_frequencies(heads)
    emit("")
    if heads.evidence is None:
        emit("Not verified here: vlmscope heads verify measures what they are worth.")
    else:
        _show_evidence(heads.evidence)
    if heads.notes:
        emit("")
        emit(heads.notes)


def _origin(heads: HeadSet) -> list[tuple[str, object]]:
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


def _show_frequencies(heads: HeadSet) -> None:
    rows = [
        (
            "*" if row.head in heads.heads else "",
            row.head,
            _percent(row.frequency),
            row.attention_sum,
            row.entropy,
        )
        for row in heads.frequencies[:_SHOWN]
    ]
    emit_table(("", "head", "selected in % of samples", "attention sum", "entropy"), rows)


def _show_evidence(evidence: HeadEvidence) -> None:
    emit(f"On {evidence.samples} samples that discovery did not see, with 95% intervals:")
    rows = [
        ("pointing %", _percent(evidence.pointing), f"{100 * evidence.chance_pointing:.1f}"),
        ("Acc@0.5 %", _percent(evidence.acc50), "-"),
        ("mean box IoU %", _percent(evidence.mean_iou), "-"),
        ("enrichment", _interval(evidence.enrichment), "1"),
    ]
    emit_table(("", "combined", "value", "chance"), [("", *row) for row in rows])
    if not evidence.better_than_chance:
        emit("No better than chance.")


def _percent(interval: Interval) -> str:
    low, high = (max(0.0, 100 * bound) for bound in (interval.low, interval.high))
    return f"{100 * interval.value:.1f} [{low:.1f}, {high:.1f}]"


def _interval(interval: Interval) -> str:
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
