"""A head set as text: the heads, where they come from, and what they are worth."""

from __future__ import annotations

from pathlib import Path

from vlmscope.cli.console import emit, emit_table
from vlmscope.errors import BadHeadSetError
from vlmscope.io import is_there
from vlmscope.markup import Table
from vlmscope.types import HeadEvidence, HeadSet, parse_heads
from vlmscope.types.evidence import evidence_table, frequency_table, heads_table, origin

__all__ = ["open_heads", "show_head_set"]


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
    emit_table(*_indented((("origin", ""), origin(heads))))
    if heads.frequencies:
        emit("")
        emit_table(*frequency_table(heads))
    emit("")
    if heads.evidence is None:
        emit("Not verified here: vlmscope heads verify measures what they are worth.")
    else:
        _show_evidence(heads.evidence, heads.source == "discovered")
    if heads.notes:
        emit("")
        emit(heads.notes)


def _show_evidence(evidence: HeadEvidence, discovered: bool) -> None:
    # of heads that somebody named, nobody knows which samples they were found on
    unseen = " that discovery did not see" if discovered else ""
    emit(f"On {evidence.samples} samples{unseen}, with 95% intervals:")
    emit_table(*_indented(evidence_table(evidence)))
    if evidence.per_head:
        emit("")
        emit_table(*_indented(heads_table(evidence)))
    if not evidence.better_than_chance:
        emit("")
        emit("These heads are no better than chance here.")


def _indented(table: Table) -> Table:
    columns, rows = table
    return ("", *columns), [("", *row) for row in rows]
