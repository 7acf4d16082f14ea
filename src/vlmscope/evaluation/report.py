"""The report of an evaluation: JSON for programs, Markdown for people, both with the protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vlmscope.evaluation.scores import Evaluation, RunScores, Score, remarks, score_table
from vlmscope.io import write_json, write_text

__all__ = ["markdown", "write_report"]

_SAID_ALONE = ("resize", "text", "similarity")  # parts of a setting that need no name
_REASONS = 20  # skipped images that are listed one by one


def write_report(evaluation: Evaluation, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write ``report.json`` and ``report.md`` into a folder, which is made if it is not there.

    Returns:
        Both paths.

    Raises:
        OutputError: when the folder cannot be written.
    """
    target = Path(folder)
    data, text = target / "report.json", target / "report.md"
    write_json(data, evaluation.to_dict())
    write_text(text, markdown(evaluation))
    return data, text


def markdown(evaluation: Evaluation) -> str:
    """The report as Markdown."""
    protocol = evaluation.protocol
    title = f"# {protocol['dataset']['id']} with {protocol['model']['id']}"
    parts = [
        title,
        f"{evaluation.images} images measured, {len(evaluation.skipped)} skipped. "
        f"Values with their {protocol['interval']}.",
        _table(evaluation.runs),
        _counts(evaluation.runs),
        *_remarks(evaluation),
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
    options = ", ".join(f"{name}={value}" for name, value in run.setting["options"].items())
    seen = [str(run.setting[key]) for key in _SAID_ALONE if key in run.setting]
    named = [
        f"{key.replace('_', ' ')}: {value}"
        for key, value in run.setting.items()
        if key not in (*_SAID_ALONE, "options")
    ]
    parts = [*seen, *named, *([f"options {options}"] if options else [])]
    return f"- **{run.label}** ({run.method}): {'; '.join(parts)}"


def _skipped(evaluation: Evaluation) -> str:
    shown = [f"- {s.image_id}: {s.reason}" for s in evaluation.skipped[:_REASONS]]
    rest = len(evaluation.skipped) - len(shown)
    return "\n".join([*shown, f"- and {rest} more, all in report.json"] if rest else shown)
