"""A head set as text: the heads, where they come from, and what they are worth."""

from __future__ import annotations

from pathlib import Path

from vlmscope.cli.console import emit, emit_table
from vlmscope.errors import BadHeadSetError
from vlmscope.io import is_there
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadEvidence, HeadSet, parse_heads

__all__ = ["open_heads", "show_head_set"]

_SHOWN = 10


def open_heads(name: str) -> HeadSet | str:
    """A head file or a published set; heads written as ``L14H24,L14H13`` stay text.

    Raises:
        BadHeadSetError: no such file, or not a head file.
    """
    from vlmscope.heads import published_names, published_set

    if name in published_names():
        return published_set(name)
    try:
        parse_heads(name)
    except BadHeadSetError as error:
        if name.endswith(".json") or "/" in name or is_there(Path(name)):
            return HeadSet.load(name)
        raise BadHeadSetError(
            f"{error} A head file ends in .json; published sets: {', '.join(published_names())}."
        ) from error
    return name


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
        _show_evidence(heads.evidence, heads.source == "discovered")
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
        for row in heads.frequencies[: max(_SHOWN, len(heads.heads))]
    ]
    emit_table(("", "head", "selected in % of samples", "attention sum", "entropy"), rows)


def _show_evidence(evidence: HeadEvidence, discovered: bool) -> None:
    # of heads that somebody named, nobody knows which samples they were found on
    unseen = " that discovery did not see" if discovered else ""
    emit(f"On {evidence.samples} samples{unseen}, with 95% intervals:")
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
    columns = ("", "combined", "value", "chance", "random heads")
    emit_table(columns, [("", *row) for row in rows])
    if evidence.per_head:
        emit("")
        _show_heads(evidence)
    if not evidence.better_than_chance:
        emit("")
        emit("These heads are no better than chance here.")


def _show_heads(evidence: HeadEvidence) -> None:
    rows = [
        (
            "",
            Head(*row["head"]),
            _percent(Interval(*row["pointing"])),
            _interval(Interval(*row["enrichment"])),
            _percent(Interval(*row["acc50"])),
            f"{row['percentile']:.0f}",
        )
        for row in evidence.per_head
    ]
    columns = ("", "head", "pointing %", "enrichment", "Acc@0.5 %", "percentile of all heads")
    emit_table(columns, rows)


def _percent(interval: Interval) -> str:
    low, high = (max(0.0, 100 * bound) for bound in (interval.low, interval.high))
    return f"{100 * interval.value:.1f} [{low:.1f}, {high:.1f}]"


def _interval(interval: Interval) -> str:
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
