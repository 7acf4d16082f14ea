"""What several methods say of the same phrases in one image, and a picture of it.

Raw maps of different methods are in different units (attention, ratios, cosine similarity), so in the
picture each is standardised on its own: (value - mean) / standard deviation over the part of the image
that the model saw. That takes the unit away and leaves how far the brightest places stand out from the
rest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.markup import one_line, shorten
from vlmscope.results.cards import methods_card
from vlmscope.results.comparison_views import methods_view
from vlmscope.results.deviations import deviations
from vlmscope.results.drawing import overlay
from vlmscope.results.geometry_blocks import NOTEBOOK_SIDE, SIDE
from vlmscope.results.grounding import Grounding
from vlmscope.viewer import View
from vlmscope.viz.colours import colorize
from vlmscope.viz.sheet import THEMES
from vlmscope.viz.text import Font, draw_lines, fit, font, line_height, widest

__all__ = ["MethodComparison", "deviations", "overlay_methods"]

_SHOW = ("heatmap", "mask", "box", "point")  # the phrase stands above its row

_NARROWEST = 640  # of a sheet in pixels: the legend needs room

_BAR = 420  # width of the colour bar in pixels

_MINOR = {"light": "#62626a", "dark": "#a8a8b2"}

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601

_LEGEND = (
    "Standard deviations above the mean of each map; at or below its mean nothing is lit",
    "Every map was standardised on its own, over the part of the image that the model saw: raw values "
    "of different methods are in different units and cannot be compared. Their range is written "
    "beneath each map. The brightest place says where, not whether: a phrase that fits nothing lights "
    "something up too.",
    "White: box and peak. Turquoise: outline of the mask.",
)


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """The same phrases in the same image, by every method that could be run.

    Attributes:
        model: id of the model.
        phrases: as asked, in order.
        groundings: by id of the method, in the order of preference: one Grounding per phrase.
        left_out: by id of the method: why one that runs on such models could not be run here.
    """

    model: str
    phrases: tuple[str, ...]
    groundings: Mapping[str, tuple[Grounding, ...]] = field(repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, method: str) -> tuple[Grounding, ...]:
        """The Groundings of one method, one per phrase."""
        return self.groundings[method]

    def __iter__(self) -> Iterator[str]:
        """Ids of the methods."""
        return iter(self.groundings)

    def by_phrase(self) -> Iterator[tuple[Grounding, ...]]:
        """For each phrase its Groundings, one per method."""
        return zip(*self.groundings.values(), strict=True)

    def of_phrases(self, which: slice) -> MethodComparison:
        """The same of some of its phrases."""
        chosen = {method: each[which] for method, each in self.groundings.items()}
        return replace(self, phrases=self.phrases[which], groundings=chosen)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to read before trusting it: of all methods, of one, and why methods were left out."""
        every = [grounding for groundings in self.groundings.values() for grounding in groundings]
        shared = _shared(every) if len(self.groundings) > 1 else []
        texts = shared + [
            f"{grounding.method}: {text}"
            for grounding in every
            for text in grounding.warnings
            if text not in shared
        ]
        missing = [f"{method} was left out: {reason}" for method, reason in self.left_out.items()]
        return tuple(dict.fromkeys(texts + missing))

    def __repr__(self) -> str:
        phrases = ", ".join(f"{shorten(each, 60)!r}" for each in self.phrases)
        left_out = f"left out: {', '.join(self.left_out)}" if self.left_out else ""
        return one_line(self, f"{', '.join(self)} of {self.model}", left_out, phrases)

    def _repr_html_(self) -> str:
        return self.view(side=NOTEBOOK_SIDE).inline(methods_card(self))

    def view(self, *, side: int = SIDE, lossless: bool = False) -> View:
        """What the viewer draws: for each phrase its methods beside each other, on one colour scale.

        Args:
            side: pixels of the longer side of the image in it at most.
            lossless: keep the image's pixels as they are, as PNG.
        """
        return methods_view(self, side=side, lossless=lossless)

    def overlay(self, **options: Any) -> Image.Image:
        """One picture: phrases as rows, methods as columns, one colour scale.

        Options are those of :func:`vlmscope.results.method_comparison.overlay_methods`.
        """
        return overlay_methods(self, **options)

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values, phrase after phrase; ``arrays=True`` adds the score maps."""
        return {
            "model": self.model,
            "phrases": list(self.phrases),
            "methods": list(self.groundings),
            "groundings": [
                grounding.to_dict(arrays)
                for groundings in self.by_phrase()
                for grounding in groundings
            ],
            "left_out": dict(self.left_out),
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = None, arrays: bool = False) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(arrays), indent=indent, ensure_ascii=False, allow_nan=False)


def _shared(groundings: Sequence[Grounding]) -> list[str]:
    """Texts that every one of them warns of: those are of model and picture, of no method."""
    first, *others = groundings
    return [
        text
        for text in dict.fromkeys(first.warnings)
        if all(text in other.warnings for other in others)
    ]


def overlay_methods(
    comparison: MethodComparison,
    *,
    cell: int = 280,
    theme: str = "light",
    colormap: str = "inferno",
    top: float | None = None,
    alpha: float = 0.92,
    show: Collection[str] = _SHOW,
) -> Image.Image:
    """Draw every phrase by every method on ONE colour scale, with a colour bar that says which.

    The image itself stands in front, in its colours; beneath the maps it is grey, so that all colour
    there is the map's and can be read off the bar.

    Args:
        comparison: what to draw.
        cell: longer side of one picture in pixels.
        theme: ``light`` or ``dark``.
        colormap: ``inferno``, ``viridis`` or ``grey``.
        top: standard deviations at the bright end; default: the highest of all maps, rounded up.
        alpha, show: as for :func:`vlmscope.results.overlay`.

    Raises:
        BadOptionError: nothing to draw, or a number outside its range.
        UnknownNameError: an unknown theme, colour map or thing to show.
    """
    style = _checked(comparison, cell, theme, top)
    every = [grounding for groundings in comparison.groundings.values() for grounding in groundings]
    # maps have the size of the image: they are made one at a time, and again when they are drawn
    peak = max(float(deviations(grounding).max()) for grounding in every)
    scale = _Scale(float(max(1, math.ceil(peak))) if top is None else top, colormap)
    grey = _grey(every[0].image)
    columns = [_image_column(comparison, cell)]
    for method, groundings in comparison.groundings.items():
        lit = (replace(each, image=grey, heatmap=scale.levels(each)) for each in groundings)
        tiles = [_tile(each, cell, show, alpha, colormap) for each in lit]
        columns.append(_Column(method, tiles, [_range(each) for each in groundings]))
    legend = _Legend(scale, comparison.left_out, style)
    return _assembled(comparison.phrases, columns, legend, style)


def _checked(comparison: MethodComparison, cell: int, theme: str, top: float | None) -> _Style:
    if theme not in THEMES:
        raise UnknownNameError("theme", theme, THEMES)
    if not comparison.phrases or not comparison.groundings:
        raise BadOptionError("There is nothing to draw: give one phrase and one method at least.")
    if cell < 64:
        raise BadOptionError(f"cell must be at least 64 pixels, got {cell}.")
    if top is not None and not (math.isfinite(top) and top > 0):
        raise BadOptionError(f"top must be a number above 0, got {top}.")
    ground, ink = THEMES[theme]
    return _Style(cell, ground, ink, _MINOR[theme])


@dataclass(frozen=True)
class _Style:
    """Sizes in pixels and colours of one sheet."""

    cell: int
    ground: str
    ink: str
    minor: str

    @property
    def face(self) -> Font:
        return font(max(13, self.cell // 18))

    @property
    def small(self) -> Font:
        return font(max(12, self.cell // 21))

    @property
    def gap(self) -> int:
        return max(6, self.cell // 24)


@dataclass(frozen=True)
class _Scale:
    """The one scale of all maps: standard deviations at the bright end, and the colours."""

    top: float
    colormap: str

    def levels(self, grounding: Grounding) -> NDArray[np.float32]:
        """Float32 (height, width), 0..1 along the colour bar."""
        return np.clip(deviations(grounding) / self.top, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class _Column:
    """One picture and one line beneath it for every phrase."""

    title: str
    tiles: Sequence[Image.Image]
    captions: Sequence[str]

    def width(self, style: _Style) -> int:
        texts = widest([self.title], style.face), widest(list(self.captions), style.small)
        return max(math.ceil(max(texts)), *(tile.width for tile in self.tiles))


def _image_column(comparison: MethodComparison, cell: int) -> _Column:
    first = next(iter(comparison.groundings.values()))
    tiles = [_tile(each, cell, show=()) for each in first]
    return _Column("image", tiles, [""] * len(tiles))


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    light = np.rint(pixels @ np.array(_LUMA)).astype(np.uint8)
    return np.repeat(light[..., None], 3, axis=-1)


def _tile(
    grounding: Grounding,
    cell: int,
    show: Collection[str],
    alpha: float = 1.0,
    colormap: str = "inferno",
) -> Image.Image:
    """A picture whose longer side is as long as its cell."""
    sides = grounding.image_size
    shorter = max(1, round(cell * min(sides) / max(sides)))
    return overlay(
        grounding, alpha=alpha, colormap=colormap, show=show, max_side=cell, min_side=shorter
    )


def _range(grounding: Grounding) -> str:
    """The raw values, in the method's own unit."""
    low, high = float(grounding.score_map.min()), float(grounding.score_map.max())
    nothing = "" if grounding.box is not None else ", nothing lights up"
    return f"{low:.2g} … {high:.2g}{nothing}"


def _assembled(
    phrases: Sequence[str], columns: Sequence[_Column], legend: _Legend, style: _Style
) -> Image.Image:
    """Titles, then a line of text and a row of pictures for each phrase, the legend at the foot."""
    line, small, gap = line_height(style.face), line_height(style.small), style.gap
    widths = [column.width(style) for column in columns]
    lefts = [gap + sum(widths[:index]) + gap * index for index in range(len(widths))]
    width = max(_NARROWEST, lefts[-1] + widths[-1] + gap)
    heights = [
        max(tile.height for tile in row) for row in zip(*(c.tiles for c in columns), strict=True)
    ]
    key = legend.draw(width - 2 * gap)
    around = line + gap // 2 + gap // 3 + small + gap
    total = 3 * gap + line + sum(heights) + len(heights) * around + key.height
    sheet = Image.new("RGB", (width, total), style.ground)
    pen = ImageDraw.Draw(sheet)
    for column, left, room in zip(columns, lefts, widths, strict=True):
        _centred(pen, (left, gap), room, column.title, style.face, style.ink)
    top = 2 * gap + line
    for number, (phrase, tall) in enumerate(zip(phrases, heights, strict=True)):
        words = fit(f"“{phrase}”", style.face, width - 2 * gap, 1)
        draw_lines(pen, (gap, top), words, style.face, style.ink)
        top += line + gap // 2
        for column, left, room in zip(columns, lefts, widths, strict=True):
            tile, below = column.tiles[number], (left, top + tall + gap // 3)
            sheet.paste(tile, (left + (room - tile.width) // 2, top + (tall - tile.height) // 2))
            _centred(pen, below, room, column.captions[number], style.small, style.minor)
        top += tall + gap // 3 + small + gap
    sheet.paste(key, (gap, top))
    return sheet


def _centred(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int],
    room: int,
    text: str,
    face: Font,
    colour: str,
) -> None:
    left = place[0] + (room - widest([text], face)) / 2
    draw_lines(pen, (left, place[1]), [text], face, colour)


@dataclass(frozen=True)
class _Legend:
    """The colour bar with its ticks, and what the colours mean."""

    scale: _Scale
    left_out: Mapping[str, str]
    style: _Style

    def draw(self, width: int) -> Image.Image:
        """The legend in a width in pixels."""
        style = self.style
        missing = [f"Left out: {method}. {reason}" for method, reason in self.left_out.items()]
        notes = [
            text for each in (*_LEGEND[1:], *missing) for text in fit(each, style.small, width, 6)
        ]
        title = fit(_LEGEND[0], style.face, width, 2)
        bar = self._bar(min(width, _BAR))
        below = len(title) * line_height(style.face) + 2, style.gap // 2
        height = sum(below) + bar.height + len(notes) * line_height(style.small)
        legend = Image.new("RGB", (width, height), style.ground)
        pen = ImageDraw.Draw(legend)
        draw_lines(pen, (0, 0), title, style.face, style.ink)
        legend.paste(bar, (0, below[0]))
        draw_lines(pen, (0, sum(below) + bar.height), notes, style.small, style.minor)
        return legend

    def _bar(self, width: int) -> Image.Image:
        style = self.style
        thick = max(12, style.cell // 20)
        picture = Image.new("RGB", (width, thick + 4 + line_height(style.small)), style.ground)
        ramp = np.broadcast_to(np.linspace(0, 1, width), (thick, width))
        picture.paste(Image.fromarray(colorize(ramp, self.scale.colormap)), (0, 0))
        pen = ImageDraw.Draw(picture)
        for value in _ticks(self.scale.top):
            at = value / self.scale.top * (width - 1)
            text = f"{value:g}"
            long = widest([text], style.small)
            pen.line((at, thick, at, thick + 3), fill=style.ink)
            left = min(max(at - long / 2, 0), width - long)
            draw_lines(pen, (left, thick + 4), [text], style.small, style.ink)
        return picture


def _ticks(highest: float) -> list[float]:
    """Round values from 0, at most six, and the top where there is room for it."""
    scale = 10.0 ** math.floor(math.log10(highest))
    step = next(scale * part for part in (0.1, 0.2, 0.5, 1, 2) if highest / (scale * part) <= 5)
    round_ones = [step * number for number in range(int(highest / step + 1e-9) + 1)]
    return [*round_ones, highest] if highest - round_ones[-1] > step / 3 else round_ones
