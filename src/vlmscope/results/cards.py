"""Results of the methods as cards of HTML, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.markup import PICTURE_SIDE, Table, card, picture, shorten, shown_box, table

if TYPE_CHECKING:
    from vlmscope.results.answer_comparison import AnswerComparison
    from vlmscope.results.grounding import Grounding
    from vlmscope.results.method_comparison import MethodComparison
    from vlmscope.results.segmentation import Segmentation
    from vlmscope.types import Box

__all__ = ["answer_card", "grounding_card", "grounding_facts", "methods_card", "segmentation_card"]

_SMALL = 320  # the shorter side that small images are enlarged to, so that lines can be seen
_SHEET = 2000  # pixels of a sheet of methods that is not made smaller: words lie on it
_PHRASE = 160  # characters of a phrase in a title
_PHRASES, _CLASSES = 6, 24  # shown at most


def grounding_facts(grounding: Grounding) -> list[str]:
    """What its ``repr`` says, the most important first."""
    box = _box(grounding.box)
    height, width = grounding.image_size
    return [
        repr(shorten(grounding.phrase, 120)),
        f"{'nothing lights up' if box is None else f'box {box}'}, score {grounding.score:.4g}",
        f"{grounding.method} of {grounding.model}, image {width}x{height}",
        f"warnings: {len(grounding.warnings)}" if grounding.warnings else "",
    ]


def grounding_card(grounding: Grounding) -> str:
    """Overlay, box, peak and score."""
    height, width = grounding.image_size
    point = grounding.point
    peak = None if point is None else f"{point[0]:.0f}, {point[1]:.0f}"
    row = _box(grounding.box), peak, f"{grounding.score:.4g}", f"{width} x {height}"
    return card(
        f"“{shorten(grounding.phrase, _PHRASE)}”",
        picture(
            grounding.overlay(max_side=PICTURE_SIDE, min_side=_SMALL),
            f"Heat map and box of {grounding.phrase}",
        ),
        table((("box (x0, y0, x1, y1)", "peak (x, y)", "score", "image (w x h)"), [row])),
        lead=f"{grounding.method} of {grounding.model}",
        notes=grounding.warnings,
    )


def segmentation_card(segmentation: Segmentation) -> str:
    """Overlay with its legend, and the classes that have pixels."""
    classes = f"{len(segmentation.found)} of {len(segmentation.names)} classes have pixels"
    return card(
        f"Segmentation: {classes}",
        picture(segmentation.overlay(max_side=PICTURE_SIDE), classes, side=2 * PICTURE_SIDE),
        table(
            _classes(segmentation),
            "share: of the pixels; presence: how much speaks for the class being in the image at all; "
            "confidence: mean probability over its pixels.",
        ),
        lead=f"{segmentation.method} of {segmentation.model}",
        notes=segmentation.warnings,
    )


def _classes(segmentation: Segmentation) -> Table:
    areas, confidence = segmentation.areas, segmentation.confidence
    total = areas.sum()
    rows: list[list[object]] = [
        [
            segmentation.names[index],
            f"{areas[index] / total:.1%}",
            float(segmentation.presence[index]),
            None if confidence is None else float(confidence[index]),
        ]
        for index in segmentation.found[:_CLASSES]
    ]
    if areas[-1]:
        rows.append(["(background)", f"{areas[-1] / total:.1%}", None, None])
    return ("class", "share", "presence", "confidence"), rows


def methods_card(comparison: MethodComparison) -> str:
    """The sheet of all methods, and their boxes."""
    shown = comparison.of_phrases(slice(_PHRASES))
    rows = [
        (grounding.phrase, grounding.method, _box(grounding.box), f"{grounding.score:.4g}")
        for groundings in shown.by_phrase()
        for grounding in groundings
    ]
    left = len(comparison.phrases) - len(shown.phrases)
    more = f", {left} more phrases are not shown" if left else ""
    sheet = picture(shown.overlay(cell=200), "Every method's heat map", side=_SHEET) if rows else ""
    return card(
        f"{len(comparison.groundings)} methods of {comparison.model}",
        sheet,
        table(
            (("phrase", "method", "box (x0, y0, x1, y1)", "score"), rows),
            "score: in the method's own unit, comparable within one method only.",
        ),
        lead=f"{len(comparison.phrases)} phrases in one image{more}",
        notes=comparison.warnings,
    )


def answer_card(comparison: AnswerComparison) -> str:
    """Where the model looked beside the box that it wrote."""
    rows = [
        ("says", _box(comparison.said)),
        *((f"looked ({rows})", _box(each.box)) for rows, each in comparison.looked.items()),
    ]
    ious = [(f"IoU {name}", value) for name, value in comparison.ious.items()]
    return card(
        f"“{shorten(comparison.phrase, _PHRASE)}”: what {comparison.model} says and where it looked",
        picture(comparison.overlay(cell=320), "Attention's box and the model's own", side=1000),
        table((("", "box (x0, y0, x1, y1), overlap"), [*rows, *ious])),
        lead=f"It answered: {shorten(comparison.text, 400)}",
        notes=comparison.warnings,
    )


def _box(box: Box | None) -> str | None:
    return None if box is None else shown_box(box)
