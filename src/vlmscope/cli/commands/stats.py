"""``vlmscope stats``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import Printing
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.label_options import LabelDir
from vlmscope.cli.options import with_options

if TYPE_CHECKING:
    from vlmscope.labels.stats import LabelStats
    from vlmscope.labels.stats.counts import LabelCounts
    from vlmscope.labels.stats.least_score import LeastScore
    from vlmscope.labels.stats.precision import Precision

__all__ = ["command"]

_PHRASES, _SHOWN, _LINE = 30, 5, 100


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return with_options(stats)


def stats(
    *,
    folder: LabelDir,
    decisions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Decisions that the page of vlmscope audit downloaded.",
            show_default=False,
            rich_help_panel="Input",
        ),
    ] = None,
    precision: Annotated[
        float,
        typer.Option(help="That the least score is to reach.", rich_help_panel="Measure"),
    ] = 0.9,
    near: Annotated[
        int,
        typer.Option(
            help="Images are near-duplicates when their hashes differ in so few of 64 bits.",
            rich_help_panel="Measure",
        ),
    ] = 3,
    printing: Printing,
) -> int:
    """Count a folder of labels and, with decisions, say how many are right.

    Scores, sizes, phrases never found, warnings, failures, near-duplicate images; with decisions the
    precision with its interval, and the least score that reaches one, chosen on one half of the decisions
    and shown on the other. Exit code 1 when images failed.
    """
    from vlmscope.labels.stats import label_stats

    found = label_stats(folder, decisions, precision=precision, near=near)
    if printing.as_json:
        emit_json(found.to_dict())
    else:
        _show(found)
    for text in found.notes:
        note(text)
    return 1 if found.counts.failed else 0


def _show(found: LabelStats) -> None:
    counts = found.counts
    emit(
        f"{counts.images:,} images ({counts.failed:,} failed, {counts.empty:,} without an object), "
        f"{counts.objects:,} objects"
    )
    _phrases(counts)
    _spreads(found)
    _cautions(found)
    if found.precision is not None:
        emit("")
        _precision(found.precision)
    if found.least_score is not None:
        _least_score(found.least_score)


def _phrases(counts: LabelCounts) -> None:
    often = sorted(counts.phrases.items(), key=lambda each: (-each[1].objects, each[0]))
    shown = [each for each in often if each[1].objects][:_PHRASES]
    if shown:
        emit("")
        emit_table(
            ("phrase", "images", "found in", "objects", "mean score"),
            [
                (_short(text), each.images, each.found, each.objects, each.mean_score)
                for text, each in shown
            ],
        )
    rest = sum(1 for each in counts.phrases.values() if each.objects) - len(shown)
    if rest:
        emit(f"and {rest:,} more phrases (--json: all)")
    never = counts.never_found
    if never:
        more = f" and {len(never) - _SHOWN:,} more" if len(never) > _SHOWN else ""
        emit(f"never found: {', '.join(map(_short, never[:_SHOWN]))}{more}")


def _spreads(found: LabelStats) -> None:
    spreads = {"score": found.scores, "share of the image": found.areas}
    rows = [(name, *spread.quantiles) for name, spread in spreads.items() if spread is not None]
    if rows:
        emit("")
        emit_table(("", "least", "5 %", "25 %", "median", "75 %", "95 %", "greatest"), rows)
        sizes = (f"{found.counts.sizes[name]:,} {name}" for name in ("small", "medium", "large"))
        emit(f"sizes (below 32 x 32, below 96 x 96 pixels, larger): {', '.join(sizes)}")


def _cautions(found: LabelStats) -> None:
    counts = found.counts
    if counts.warned:
        emit(f"objects with a warning: {counts.warned:,} of {counts.objects:,}")
    for text, count in counts.warnings.most_common(_SHOWN):
        emit(f"  {count:,}: {_short(text)}")
    for kind, each in sorted(counts.failures.items()):
        emit(f"failed: {each.images:,} {kind}, such as {_short(each.id)}: {each.message}")
    near = found.near
    if near.groups:
        emit(f"near-duplicate images: {near.images:,}, in groups: {near.groups:,}; the largest:")
        for group in near.named[:_SHOWN]:
            emit(
                f"  {', '.join(map(_short, group[:_SHOWN]))}{' ...' if len(group) > _SHOWN else ''}"
            )


def _precision(found: Precision) -> None:
    emit(
        f"decisions: {found.accepted:,} accepted, {found.rejected:,} rejected, {found.unsure:,} unsure, "
        f"{found.undecided:,} not looked at"
    )
    if found.value is None:
        emit("precision: nothing was accepted or rejected yet")
        return
    emit(f"precision: {found.value}")
    if found.unsure:
        emit(f"were every unsure one wrong {found.lowest:.3f}, right {found.highest:.3f}")
    if found.covered < 1:
        emit(f"of {found.covered:.0%} of the objects; of the others none was accepted or rejected")
    emit_table(
        ("score from", "to", "objects", "decided", "precision"),
        [(each.low, each.high, each.objects, each.decided, each.precision) for each in found.bins],
    )


def _least_score(found: LeastScore) -> None:
    kept = "" if found.kept is None else f" It keeps {found.kept:.1%} of the objects."
    emit(f"least score: {found.sentence}{kept}")


def _short(text: str) -> str:
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
