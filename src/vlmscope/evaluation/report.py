"""The report of an evaluation: JSON for programs, Markdown and a page for people, all with the protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlmscope.evaluation.breakdowns import Failures
from vlmscope.evaluation.page import evaluation_page
from vlmscope.evaluation.page.comparison_tables import comparison_tables
from vlmscope.evaluation.page.tables import (
    ReportTable,
    breakdown_tables,
    failure_table,
    published_of,
    published_table,
    readout,
)
from vlmscope.evaluation.scores import Evaluation, RunScores, Score, remarks, score_table
from vlmscope.io import write_json, write_text

__all__ = ["markdown", "write_report"]

_REASONS = 20  # skipped images that are listed one by one


def write_report(evaluation: Evaluation, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write ``report.json``, ``report.md`` and ``report.html`` into a folder, which is made if need be.

    Where sentences were measured some images are opened again for the page's pictures, and each run
    looks at them once more.

    Returns:
        The paths, in this order.

    Raises:
        OutputError: when the folder cannot be written.
        BadImageError, BadSampleError: an image that is no longer what it was.
    """
    target = Path(folder)
    data, text = target / "report.json", target / "report.md"
    write_json(data, _record(evaluation))
    write_text(text, markdown(evaluation))
    page = target / "report.html"
    evaluation_page(evaluation, evaluation.sentences).write(page)
    return data, text, page


def _record(evaluation: Evaluation) -> dict[str, Any]:
    figures = [
        {
            "metric": each.metric,
            "method": each.method,
            "value": each.value,
            "setting": each.setting,
            "source": str(each.source),
        }
        for each in published_of(evaluation)
    ]
    return {**evaluation.to_dict(), **({"published": figures} if figures else {})}


def markdown(evaluation: Evaluation) -> str:
    """The report as Markdown."""
    protocol = evaluation.protocol
    title = f"# {protocol['dataset']['id']} with {protocol['model']['id']}"
    parts = [
        title,
        f"{evaluation.images} images measured, {len(evaluation.skipped)} skipped. "
        f"Values with their {protocol['interval']}.",
        *(f"**Note:** {warning}" for warning in evaluation.warnings),
        _table(evaluation.runs),
        _counts(evaluation.runs),
        *map(_section, comparison_tables(evaluation.comparisons)),
        *_remarks(evaluation),
        *_of_sentences(evaluation),
        "## Protocol",
        "\n".join(_bullets(protocol)),
        "## Methods",
        "\n".join(_setting(run) for run in evaluation.runs),
    ]
    if evaluation.skipped:
        parts += ["## Skipped images", _skipped(evaluation)]
    return "\n\n".join(parts) + "\n"


def _table(runs: Sequence[RunScores]) -> str:
    heads, rows = score_table(runs)
    return "\n".join(map(_row, [heads, ["---"] * len(heads), *rows]))


def _of_sentences(evaluation: Evaluation) -> Iterator[str]:
    """Breakdowns, failures in common and published figures, each as a section."""
    yield from map(_section, breakdown_tables(evaluation))
    if evaluation.sentences is not None and evaluation.sentences.failures is not None:
        yield from _failures(evaluation.sentences.failures)
    figures = published_table(evaluation)
    if figures is not None:
        yield _section(figures)


def _failures(failures: Failures) -> Iterator[str]:
    missed = failures.missed
    yield _section(failure_table(failures))
    yield f"Missed by every run: {missed.detail['count']:,} of {missed.n:,} sentences: {missed}."
    if failures.examples:
        yield "\n".join(
            f"- {' '.join(str(each['text']).split())} (image {each['image']}, sentence {each['id']})"
            for each in failures.examples
        )


def _section(table: ReportTable) -> str:
    lines = [_row(table.columns), _row(["---"] * len(table.columns)), *map(_row, table.rows)]
    return f"## {table.title}\n\n" + "\n".join(lines) + (f"\n\n{table.note}" * bool(table.note))


def _counts(runs: Sequence[RunScores]) -> str:
    first: dict[str, Score] = {}
    for score in (score for run in runs for score in run.scores):
        first.setdefault(score.metric, score)
    counts = [f"{s.metric}: {s.n:,} {s.unit} on {s.images:,} images" for s in first.values()]
    return "Made of " + "; ".join(counts) + "."


def _remarks(evaluation: Evaluation) -> list[str]:
    lines = remarks(evaluation)
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _bullets(values: Mapping[str, Any], depth: int = 0) -> list[str]:
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{'  ' * depth}- {key}", *_bullets(value, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}- {key}: {value if value not in (None, '') else '-'}")
    return lines


def _setting(run: RunScores) -> str:
    said = "; ".join(f"{name}: {text}" for name, text in readout(run) if name != "method")
    return f"- **{run.label}** ({run.method}): {said}"


def _skipped(evaluation: Evaluation) -> str:
    shown = [f"- {s.image_id}: {s.reason}" for s in evaluation.skipped[:_REASONS]]
    rest = len(evaluation.skipped) - len(shown)
    return "\n".join([*shown, f"- and {rest} more, all in report.json"] if rest else shown)
