"""What one method, or every method, found in one picture, as ``vlmscope ground`` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vlmscope.cli.ground_output import GroundOutput, PictureResult, corners
from vlmscope.results import Grounding, MethodComparison
from vlmscope.results.comparison_views import groundings_view
from vlmscope.results.grounding import nothing_lit

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["of_comparison", "of_groundings"]

_PLACES = ("x0", "y0", "x1", "y1", "peak x", "peak y", "score")


def of_groundings(output: GroundOutput, groundings: Sequence[Grounding]) -> PictureResult:
    """What one method found, a grounding per phrase."""
    warnings = [text for g in groundings for text in (*nothing_lit(g.phrase, g.box), *g.warnings)]
    return PictureResult(
        columns=("phrase", *_PLACES),
        rows=[row for grounding in groundings for row in _rows(grounding)],
        record={"groundings": [grounding.to_dict(output.arrays) for grounding in groundings]},
        warnings=warnings,
        names=[g.phrase for g in groundings],
        overlays=_drawn(output, groundings),
        view=lambda: groundings_view(groundings, output.shared_scale),
        groundings=groundings,
    )


def _rows(grounding: Grounding) -> list[tuple[object, ...]]:
    """Phrase, box, peak and score as cells of a table, then a row for every further instance."""
    first = (grounding.phrase, *corners(grounding), grounding.score)
    further = enumerate(grounding.instances[1:], start=2)
    return [first, *((f"{first[0]} ({n})", *corners(each), each.score) for n, each in further)]


def _drawn(output: GroundOutput, groundings: Sequence[Grounding]) -> Iterable[Image.Image]:
    from vlmscope.results import side_by_side

    if output.one_picture and len(groundings) > 1:
        yield side_by_side(groundings, shared_scale=output.shared_scale)
        return
    for grounding in groundings:
        # small pictures are enlarged so that the letters can be read
        yield grounding.overlay(min_side=480)


def of_comparison(output: GroundOutput, comparison: MethodComparison) -> PictureResult:
    """What every method found; not complete where a method was left out."""
    groundings = [g for phrase in comparison.by_phrase() for g in phrase]
    return PictureResult(
        columns=("phrase", "method", *_PLACES),
        rows=[(g.phrase, g.method, *corners(g), g.score) for g in groundings],
        record=comparison.to_dict(output.arrays),
        warnings=comparison.warnings,
        names=comparison.phrases,
        overlays=_compared(output, comparison),
        view=comparison.view,
        groundings=groundings,
        complete=not comparison.left_out,
    )


def _compared(output: GroundOutput, comparison: MethodComparison) -> Iterable[Image.Image]:
    """One of all phrases, or one for each."""
    if output.one_picture:
        yield comparison.overlay()
        return
    for number in range(len(comparison.phrases)):
        yield _of_phrase(comparison, number).overlay()


def _of_phrase(comparison: MethodComparison, number: int) -> MethodComparison:
    groundings = {method: (comparison[method][number],) for method in comparison}
    return replace(comparison, phrases=(comparison.phrases[number],), groundings=groundings)
