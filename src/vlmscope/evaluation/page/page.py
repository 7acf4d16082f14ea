"""The page of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vlmscope.evaluation.breakdowns.examples import RULE, RunExamples
from vlmscope.evaluation.breakdowns.sentence_report import SentenceReport
from vlmscope.evaluation.page.comparison_tables import comparison_tables
from vlmscope.evaluation.page.pictures import KEY, example_photos
from vlmscope.evaluation.page.tables import (
    ReportTable,
    breakdown_tables,
    failure_table,
    published_table,
    readout,
    score_rows,
)
from vlmscope.evaluation.readouts import EXPRESSION
from vlmscope.evaluation.scores import Evaluation, remarks
from vlmscope.report import Page, Photo

__all__ = ["evaluation_page"]

_REASONS = 20  # skipped images that are listed one by one


def evaluation_page(evaluation: Evaluation, report: SentenceReport | None) -> Page:
    """The page.

    Args:
        evaluation: what was measured.
        report: its sentences; None where no task is about sentences.

    Raises:
        BadImageError, BadSampleError: an image that is no longer what it was.
    """
    protocol = evaluation.protocol
    dataset = protocol["dataset"]
    page = Page(
        f"{dataset.get('split', dataset['id'])} with {protocol['model']['id']}",
        f"{_count(evaluation.images, 'image')} measured, {len(evaluation.skipped):,} skipped. Values "
        f"with their {protocol['interval']}.",
    )
    for warning in (*_cautions(evaluation), *evaluation.warnings):
        page.caveat(warning)
    _table(page, score_rows(evaluation.runs))
    for table in comparison_tables(evaluation.comparisons):
        _table(page, table)
    if remarks(evaluation):
        page.heading("To be said")
    for line in remarks(evaluation):
        page.text(f"{line}.")
    _readouts(page, evaluation)
    if report is not None:
        _examples(page, report)
        _parts(page, evaluation)
        _together(page, report)
    _published(page, evaluation)
    page.heading("Protocol")
    page.facts(_lines(protocol))
    _skipped(page, evaluation)
    return page


def _cautions(evaluation: Evaluation) -> Iterator[str]:
    dataset = evaluation.protocol["dataset"]
    if "rendered" in dataset:
        yield f"A rendered set: {dataset['rendered']}."
    if dataset.get("partial"):
        yield f"A part of the split: {dataset['partial']}."
    whole = dataset.get("counts", {}).get("images", 0)
    if evaluation.images < whole:
        yield f"A part of the split: {evaluation.images:,} of {whole:,} images were measured."


def _table(page: Page, table: ReportTable) -> None:
    page.heading(table.title)
    page.table(table.columns, table.rows, table.note)


def _readouts(page: Page, evaluation: Evaluation) -> None:
    page.heading("What was read out")
    if any("prompt_text" in run.setting for run in evaluation.runs):
        page.text(f"{EXPRESSION} stands for the sentence; everything else is as the model gets it.")
    for run in evaluation.runs:
        page.subheading(run.label)
        page.facts(readout(run))


def _examples(page: Page, report: SentenceReport) -> None:
    page.heading("Examples")
    page.text(RULE)
    photos = example_photos(report)
    page.text(KEY if photos else "There are no pictures: the images are not at hand.")
    for run in report.examples:
        for name, rows in _groups(run):
            page.subheading(f"{run.label}: {name}")
            shown = [photos.get((run.label, row["image"], row["id"])) for row in rows]
            if photos:
                page.gallery([photo for photo in shown if isinstance(photo, Photo)])
            else:
                page.table(("sentence", "image", "IoU"), [_row(row) for row in rows])


def _groups(run: RunExamples) -> Iterator[tuple[str, tuple[Mapping[str, Any], ...]]]:
    groups = {"the best": run.best, "the worst": run.worst, "unchosen": run.unchosen}
    return ((name, rows) for name, rows in groups.items() if rows)


def _row(row: Mapping[str, Any]) -> tuple[object, ...]:
    return row["text"], row["image"], row["iou"]


def _parts(page: Page, evaluation: Evaluation) -> None:
    page.heading("Where it fails")
    for table in breakdown_tables(evaluation):
        page.subheading(table.title)
        page.table(table.columns, table.rows, table.note)


def _together(page: Page, report: SentenceReport) -> None:
    if report.failures is None:
        return
    missed = report.failures.missed
    _table(page, failure_table(report.failures))
    page.subheading("Missed by every run")
    page.text(f"{missed.detail['count']:,} of {missed.n:,} sentences: {missed}.")
    if report.failures.examples:
        page.table(
            ("sentence", "image", "id"),
            [(row["text"], row["image"], row["id"]) for row in report.failures.examples],
            "Drawn by the seed and the sentences' ids, twenty at most.",
        )


def _published(page: Page, evaluation: Evaluation) -> None:
    figures = published_table(evaluation)
    if figures is not None:
        page.heading(figures.title)
        page.text(figures.note)
        page.table(figures.columns, figures.rows)


def _lines(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as lines: ``dataset, split`` and what it says."""
    for key, value in values.items():
        place = f"{above}, {key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from _lines(value, place)
        else:
            yield place, "–" if value in (None, "") else str(value)


def _skipped(page: Page, evaluation: Evaluation) -> None:
    if not evaluation.skipped:
        return
    page.heading("Skipped")
    rows = [(each.image_id, each.reason) for each in evaluation.skipped[:_REASONS]]
    rest = len(evaluation.skipped) - len(rows)
    page.table(("what", "why"), rows, f"And {rest:,} more, all in report.json." if rest else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
