"""What ``vlmscope ground --method all`` writes and prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vlmscope.cli.ground_output import GroundOutput, corners
from vlmscope.data.images import OpenedImage
from vlmscope.results import MethodComparison

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["report_comparison"]

_COLUMNS = ("phrase", "method", "x0", "y0", "x1", "y1", "peak x", "peak y", "score")


def report_comparison(
    output: GroundOutput, opened: OpenedImage, comparison: MethodComparison
) -> int:
    """Write and print a comparison; 1 when a method was left out, else 0."""
    written = output.save(_pictures(output, comparison), comparison.phrases)
    rows = [
        (g.phrase, g.method, *corners(g), g.score)
        for groundings in comparison.by_phrase()
        for g in groundings
    ]
    output.report(
        opened, comparison.to_dict(output.arrays), (_COLUMNS, rows), comparison.warnings, written
    )
    return 1 if comparison.left_out else 0


def _pictures(output: GroundOutput, comparison: MethodComparison) -> Iterable[Image.Image]:
    """One of all phrases, or one for each."""
    if output.one_picture:
        yield comparison.overlay()
        return
    for number in range(len(comparison.phrases)):
        yield comparison.of_phrases(slice(number, number + 1)).overlay()
