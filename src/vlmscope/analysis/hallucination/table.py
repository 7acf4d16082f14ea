"""Signs as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.hallucination.signs import CONTROLS

if TYPE_CHECKING:
    from vlmscope.analysis.hallucination.result import HallucinationScores

__all__ = ["HALLUCINATION_COLUMNS", "hallucination_table", "summary"]

HALLUCINATION_COLUMNS = (
    "AUROC: the chance that a real mention scores above an imagined one; beyond: that less the area of the "
    "answer's own probability, same images drawn; AUPRC, F1: of the imagined, F1 at a threshold from the "
    "other half of the images; 95% intervals over images."
)
"""What the columns of :func:`hallucination_table` hold."""


def hallucination_table(result: HallucinationScores) -> tuple[list[str], list[list[object]]]:
    """Columns and rows, a sign each, the controls first."""
    columns = ["sign", "kind", "AUROC", "beyond", "AUPRC", "F1"]
    rows: list[list[object]] = [
        [
            each.sign,
            "control" if each.sign in CONTROLS else "sign",
            *(
                "-" if value is None else str(value)
                for value in (each.area, each.beyond, each.precision, each.f1)
            ),
        ]
        for each in result.scores
    ]
    return columns, rows


def summary(result: HallucinationScores) -> list[str]:
    """How many mentions there are, and what else was answered, a sentence each."""
    total = len(result.mentions)
    lines = [
        f"{result.answers:,} answers, {total:,} mentions, {result.imagined:,} of them imagined"
    ]
    if total and not 0 < result.imagined < total:
        kind = "imagined" if result.imagined else "real"
        lines.append(f"All mentions are {kind}, so no sign can be measured: try other pictures.")
    lines += [
        f"chosen on one half of the images: {each.sign}; on the other {each.area}, beyond the answer's own "
        f"probability {each.beyond}"
        for each in result.chosen
    ]
    if result.bare:
        lines.append(
            f"{result.bare:,} x description of a picture of which nobody names an object: all that it names "
            "counts as imagined"
        )
    return lines + [f"{count:,} x {reason}" for reason, count in result.silent.items()]
