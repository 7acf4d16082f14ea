"""What a reproduction comes to: findings, further tables, cost and protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.findings import Finding
from vlmscope.reproduce.verdicts import RULE
from vlmscope.stats import Interval

__all__ = ["Plot", "Reproduction", "Table"]


@dataclass(frozen=True)
class Table:
    """Numbers beside the claims.

    Attributes:
        id: its key in JSON.
        title: a heading.
        columns: titles.
        rows: of cells: text, numbers or None.
        note: a sentence or two beneath.
    """

    id: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values: a mapping of columns to cells per row."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "note": self.note}


@dataclass(frozen=True)
class Plot:
    """Curves beside the claims; their numbers stand in a table, too.

    Attributes:
        id: unique.
        title: a heading.
        series: name of a curve -> a value with its interval for each place.
        x: places on the x axis.
        x_label, y_label: words.
        caption: a sentence or two beneath.
        x_scale: ``linear`` or ``log``.
    """

    id: str
    title: str
    series: Mapping[str, Sequence[Interval]]
    x: Sequence[float]
    x_label: str
    y_label: str
    caption: str = ""
    x_scale: str = "linear"


@dataclass(frozen=True)
class Reproduction:
    """The whole of it.

    Attributes:
        paper: title, authors, year and where it is.
        findings: a line per claim.
        tables: further numbers.
        costs: title of a step with its cost.
        protocol: JSON values: all that was done, and with what.
        skipped: what could not be used, and why: ``refcoco val: image 7: ...``.
        notes: sentences to read before the numbers, such as the overlap of images.
        plots: curves, for the page.
    """

    paper: str
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    costs: tuple[tuple[str, Cost], ...]
    protocol: Mapping[str, Any] = field(repr=False)
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = field(default=(), repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Verdict -> how many claims have it."""
        counts = Counter(finding.verdict.word for finding in self.findings)
        return {word: counts[word] for word in ("confirmed", "refuted", "undecided")}

    @property
    def summary(self) -> str:
        """``2 confirmed, 0 refuted, 30 undecided``."""
        return ", ".join(f"{count} {word}" for word, count in self.counts.items())

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "paper": self.paper,
            "verdicts": self.counts,
            "rule": RULE,
            "notes": list(self.notes),
            "findings": [finding.to_dict() for finding in self.findings],
            "tables": {table.id: table.to_dict() for table in self.tables},
            "cost": {title: cost.to_dict() for title, cost in self.costs},
            "protocol": dict(self.protocol),
            "skipped": list(self.skipped),
        }
