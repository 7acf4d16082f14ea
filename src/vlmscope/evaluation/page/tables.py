"""The tables of a report, the same on the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vlmscope.evaluation.breakdowns import ACCURACY, Failures
from vlmscope.evaluation.comparators.published import Published, Source, published
from vlmscope.evaluation.scores import Evaluation, RunScores
from vlmscope.metrics.score import Score

__all__ = [
    "ReportTable",
    "breakdown_tables",
    "failure_table",
    "published_of",
    "published_table",
    "readout",
    "score_rows",
]

_SAID_APART = ("prompt", "prompt_text", "heads", "heads_overlap", "options")


@dataclass(frozen=True)
class ReportTable:
    """A table with what is to know of it.

    Attributes:
        title: above it.
        columns: their titles.
        rows: texts.
        note: beneath it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def score_rows(runs: Sequence[RunScores]) -> ReportTable:
    """Every score of every run with its interval; samples and images in columns of their own."""
    names = list(dict.fromkeys(score.metric for run in runs for score in run.scores))
    rows = []
    for name in names:
        scores = [_score(run, name) for run in runs]
        made = next(score for score in scores if score is not None)
        cells = ["–" if score is None else _shown(score) for score in scores]
        rows.append((name, *cells, f"{made.n:,} {made.unit}", f"{made.images:,}"))
    return ReportTable(
        "Scores", ("score", *(run.label for run in runs), "n", "images"), tuple(rows)
    )


def published_of(evaluation: Evaluation) -> tuple[Published, ...]:
    """What others published of this set and split, for the scores that were measured."""
    dataset = evaluation.protocol["dataset"]
    split = str(dataset.get("split", "")).removeprefix(dataset["id"]).strip()
    names = dict.fromkeys(score.metric for run in evaluation.runs for score in run.scores)
    return tuple(each for name in names for each in published(dataset["id"], split, name))


def published_table(evaluation: Evaluation) -> ReportTable | None:
    """Published figures by themselves; None: none is known for this split."""
    figures = published_of(evaluation)
    if not figures:
        return None
    dataset = evaluation.protocol["dataset"]
    note = "Published by others, in percent, each under a protocol of its own; nothing here was measured."
    if "rendered" in dataset:
        note += " The set measured here is rendered: these figures are of the real one."
    part = dataset.get("partial")
    if part:
        note += f" Measured here was a part of the split ({part}); these figures are of the whole."
    papers = {each.source.arxiv: each.source.paper for each in figures}
    note += (
        " Sources: " + "; ".join(f"arXiv {arxiv}: {title}" for arxiv, title in papers.items()) + "."
    )
    rows = [
        (each.metric, each.method, f"{each.percent:g}", _place(each.source), each.setting)
        for each in figures
    ]
    heads = ("score", "method", "published, %", "source", "setting")
    return ReportTable(f"Published figures for {dataset['split']}", heads, tuple(rows), note)


def _place(source: Source) -> str:
    role = "quoted in " if source.quotes else ""
    return f"{role}arXiv {source.arxiv}, {source.table}"


def readout(run: RunScores) -> Iterator[tuple[str, str]]:
    """What a run was given and what was read of it, each with its name, word for word."""
    setting = run.setting
    yield "method", run.method
    if "prompt_text" in setting:
        yield "prompt", f"{setting['prompt_text']!r} ({setting['prompt']})"
    elif "prompt" in setting:
        yield "prompt", str(setting["prompt"])
    for name, value in setting.items():
        if name not in _SAID_APART:
            yield name.replace("_", " "), "–" if value in (None, "") else str(value)
    if "heads" in setting:
        heads = setting["heads"]
        yield "heads", f"{', '.join(heads['heads'])}: {heads['credit']}"
    if "heads_overlap" in setting:
        yield "found on scored images", _overlap(setting["heads_overlap"])
    options = ", ".join(f"{name}={value}" for name, value in setting.get("options", {}).items())
    if options:
        yield "options", options


def _overlap(overlap: Mapping[str, int] | None) -> str:
    if overlap is None:
        return "unknown: the set does not say on which images it was found"
    return f"{overlap['images']:,} of {overlap['scored']:,}"


def breakdown_tables(evaluation: Evaluation) -> Iterator[ReportTable]:
    """One table per breakdown and score: parts below each other, runs beside each other."""
    if evaluation.sentences is None:
        return
    by_run = evaluation.sentences.breakdowns
    for index, first in enumerate(next(iter(by_run.values()), [])):
        every = {label: each[index] for label, each in by_run.items()}
        metrics = dict.fromkeys(
            score.metric
            for each in every.values()
            for scores in each.parts.values()
            for score in scores
        )
        for metric in metrics:
            rows = []
            for part in first.parts:
                scores = [_named(each.parts[part], metric) for each in every.values()]
                made = next(score for score in scores if score is not None)
                cells = ["–" if score is None else str(score) for score in scores]
                rows.append((part, *cells, f"{made.n:,}", f"{made.images:,}"))
            heads = (first.id, *every, "sentences", "images")
            rule = "" if metric != ACCURACY else first.rule[0].upper() + first.rule[1:] + "."
            yield ReportTable(f"{metric} by {first.id}", heads, tuple(rows), rule)


def failure_table(failures: Failures) -> ReportTable:
    """Every two runs: what they get wrong together, and what they would by chance."""
    rows = tuple(
        (
            f"{pair.labels[0]} and {pair.labels[1]}",
            str(pair.both),
            "–" if pair.expected is None else f"{pair.expected:.3f}",
            str(pair.first),
            str(pair.second),
            f"{pair.both.n:,}",
        )
        for pair in failures.pairs
    )
    heads = (
        "runs",
        "both wrong",
        "if independent",
        "only the first",
        "only the second",
        "sentences",
    )
    rule = failures.rule[0].upper() + failures.rule[1:] + "."
    return ReportTable("Failures in common", heads, rows, rule)


def _score(run: RunScores, name: str) -> Score | None:
    return _named(run.scores, name)


def _named(scores: Sequence[Score], name: str) -> Score | None:
    return next((score for score in scores if score.metric == name), None)


def _shown(score: Score) -> str:
    part = score.detail.get("partial")
    return f"{score} (partial: {part})" if part else str(score)
