"""Pictures of one prompt, and steps of a clip, as the viewer draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vlmscope.markup import PICTURE_SIDE, card, picture, shorten, shown_box, table
from vlmscope.results.comparison_views import compare_block
from vlmscope.results.scene import scene
from vlmscope.viewer import View
from vlmscope.viewer.blocks import Block, bars, curves, note

if TYPE_CHECKING:
    from vlmscope.results.clip_grounding import ClipGrounding
    from vlmscope.results.grounding import Grounding
    from vlmscope.results.pictures_grounding import PicturesGrounding
    from vlmscope.results.shared_grounding import SharedGrounding

__all__ = ["clip_view", "joint_scale", "pictures_view", "shared_card"]

_PHRASE = 160  # characters of a phrase in a title
_SHARES = "Of all attention on pictures, in the rows and heads that were read; the shares sum to 1."
_ONE_SCALE = (
    "Colours are raw values of all pictures on one scale: one that lights up less is darker."
)


def joint_scale(parts: Sequence[Grounding]) -> tuple[float, float]:
    """The lowest and the highest raw value of all pictures."""
    lows, highs = zip(*((g.score_map.min(), g.score_map.max()) for g in parts), strict=True)
    return float(min(lows)), float(max(highs))


def pictures_view(result: PicturesGrounding) -> View:
    """Bars of shares, then the pictures."""
    items = [
        (name, (share, share, share), number == result.where)
        for number, (name, share) in enumerate(zip(result.names, result.share, strict=True))
    ]
    chance = result.even[0] if len(set(result.even)) == 1 else None
    shares = bars(items, title="Share of the attention", chance=chance, caption=_SHARES)
    lead = (
        f"picture {result.where + 1} of {len(result)} gets the most, {_got(result)}: "
        f"{result.method} of {result.model}"
    )
    return _view(result, f"{len(result)} pictures of one prompt", lead, shares)


def clip_view(result: ClipGrounding) -> View:
    """The curve of shares over time, then the steps."""
    shares = curves(
        [
            ("share", [(value, value, value) for value in result.share]),
            ("even", [(value, value, value) for value in result.even]),
        ],
        x=result.times,
        x_label="seconds",
        y_label="share of the attention",
        title="Share of the attention over time",
        caption=_SHARES,
    )
    lead = (
        f"{result.names[result.where]} gets the most, {_got(result)}: {result.method} of "
        f"{result.model}, frames read as {result.way}"
    )
    return _view(result, result.source, lead, shares, result.notes)


def _got(result: SharedGrounding) -> str:
    return f"{result.share[result.where]:.3f} where {result.even[result.where]:.3f} is even"


def _view(
    result: SharedGrounding, place: str, lead: str, shares: Block, notes: Sequence[str] = ()
) -> View:
    scale = joint_scale(result.parts)
    scenes: list[dict[str, Any]] = [
        {
            **scene(each, title=f"{name}: share {share:.3f}"),
            "scale": list(scale),
            "scale_note": "shared",
        }
        for each, name, share in zip(result.parts, result.names, result.share, strict=True)
    ]
    title = f"“{shorten(result.phrase, _PHRASE)}” in {place}"
    said = [note(text) for text in (*notes, *result.warnings)]
    return View(title, lead, [shares, compare_block(scenes, _ONE_SCALE, scale), *said])


def shared_card(result: SharedGrounding) -> str:
    """All pictures in a row, and a table of shares and boxes."""
    rows = [
        (name, f"{share:.3f}", f"{even:.3f}", "-" if each.box is None else shown_box(each.box))
        for name, share, even, each in zip(
            result.names, result.share, result.even, result.parts, strict=True
        )
    ]
    return card(
        f"“{shorten(result.phrase, _PHRASE)}”",
        picture(result.overlay(), f"Heat maps of {result.phrase}", side=PICTURE_SIDE * len(result)),
        table((("picture", "share", "even", "box (x0, y0, x1, y1)"), rows)),
        lead=f"{result.method} of {result.model}",
        notes=result.warnings,
    )
