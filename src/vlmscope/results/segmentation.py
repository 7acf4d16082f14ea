"""The answer to "which class is every pixel?"."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vlmscope.errors import BadOptionError, MissingExtraError, UnknownNameError
from vlmscope.markup import PICTURE_SIDE, light_png, one_line, shorten
from vlmscope.results.cards import segmentation_card
from vlmscope.results.drawing import resized, scale_factor
from vlmscope.results.fiftyone_labels import segmentation_labels
from vlmscope.results.geometry_blocks import NOTEBOOK_SIDE, SIDE
from vlmscope.results.segmentation_view import segmentation_view
from vlmscope.types import BACKGROUND, tight_box
from vlmscope.viewer import View
from vlmscope.viz.palette import class_colours
from vlmscope.viz.pens import INK, PAPER
from vlmscope.viz.text import Font, draw_lines, fit, font, line_height, widest

__all__ = ["OPACITY", "Segmentation", "overlay_labels"]

OPACITY = 0.45
"""How strongly colours cover the image, 0..1: chosen on photographs, where at .55 a face is lost under
its colour and at .35 a colour under a coat's."""

Colour = tuple[int, ...] | None

_GREY = (84, 84, 84)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Which of the given classes every pixel of one image belongs to.

    Attributes:
        names: the classes; a label is an index into them.
        method: id of the method, for example ``"gem"``.
        model: id of the model.
        image: uint8 (height, width, 3), the original image, upright.
        labels: uint16 (height, width) of the ORIGINAL image: 0 .. classes - 1, or
            :data:`BACKGROUND` (65535) where no class is certain enough.
        score_maps: float32 (classes, rows, columns) on the patch grid: raw cosine similarity with
            the best of each class's texts, comparable between classes and images.
        presence: float32 (classes,): how much speaks for the class being in the image at all.
            Comparable between images of one model and method; not a probability.
        confidence: float32 (classes,): mean softmax probability over the pixels given to a class,
            0 where it got none; None when the classes do not compete.
        details: settings on record, JSON values.
        warnings: sentences the user should read before trusting this result.
    """

    names: tuple[str, ...]
    method: str
    model: str
    image: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.uint16] = field(repr=False)
    score_maps: NDArray[np.float32] = field(repr=False)
    presence: NDArray[np.float32] = field(repr=False)
    confidence: NDArray[np.float32] | None = field(repr=False, default=None)
    details: dict[str, Any] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def areas(self) -> NDArray[np.int64]:
        """Int (classes + 1,): pixels of every class, and last those of the background."""
        counts = np.bincount(self.labels.ravel(), minlength=BACKGROUND + 1)
        return np.append(counts[: len(self.names)], counts[BACKGROUND])

    @property
    def found(self) -> tuple[int, ...]:
        """Indices of the classes that have pixels, the largest area first."""
        areas = self.areas[:-1]
        order = np.argsort(-areas, kind="stable")
        return tuple(int(index) for index in order if areas[index])

    def mask(self, which: str | int) -> NDArray[np.bool_]:
        """Bool (height, width): the pixels of a class, by name or index.

        Raises:
            UnknownNameError: no such class.
        """
        return self.labels == self._index(which)

    def _index(self, which: str | int) -> int:
        if isinstance(which, str) and which in self.names:
            return self.names.index(which)
        if isinstance(which, int) and 0 <= which < len(self.names):
            return which
        raise UnknownNameError("class", which, self.names, where="See: its names")

    def __repr__(self) -> str:
        areas = self.areas
        names = [
            f"{shorten(self.names[at], 40)} {_share(areas[at] / areas.sum())}" for at in self.found
        ]
        height, width = self.image_size
        return one_line(
            self,
            f"{len(self.names)} classes by {self.method} of {self.model}, image {width}x{height}",
            ", ".join(names) if names else "no class has pixels",
        )

    def _repr_html_(self) -> str:
        return self.view(side=NOTEBOOK_SIDE).inline(segmentation_card(self))

    def _repr_png_(self) -> bytes:
        return light_png(
            overlay_labels(self, max_side=PICTURE_SIDE), 2 * PICTURE_SIDE
        )  # and its legend

    def view(self, *, side: int = SIDE, lossless: bool = False) -> View:
        """What the viewer draws: the image under the colours of its classes, each to be toggled.

        Args:
            side: pixels of the longer side of the image in it at most.
            lossless: keep the image's pixels as they are, as PNG.
        """
        return segmentation_view(self, side=side, lossless=lossless)

    def overlay(self, **options: Any) -> Image.Image:
        """The image with its classes coloured and a legend.

        Options are those of :func:`vlmscope.results.segmentation.overlay_labels`.
        """
        return overlay_labels(self, **options)

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values; ``arrays=True`` adds every class's score map as nested lists."""
        height, width = self.image_size
        areas = self.areas
        return {
            "method": self.method,
            "model": self.model,
            "image_size": {"height": height, "width": width},
            "classes": [self._about(index, areas, arrays) for index in range(len(self.names))],
            "background_area": int(areas[-1]),
            "details": self.details,
            "warnings": list(self.warnings),
        }

    def _about(self, index: int, areas: NDArray[np.int64], arrays: bool) -> dict[str, Any]:
        record: dict[str, Any] = {
            "index": index,
            "name": self.names[index],
            "area": int(areas[index]),
            "peak": float(self.score_maps[index].max()),
            "presence": float(self.presence[index]),
        }
        if self.confidence is not None:
            record["confidence"] = float(self.confidence[index])
        if arrays:
            record["score_map"] = self.score_maps[index].astype(float).tolist()
        return record

    def to_fiftyone(self) -> dict[str, Any]:
        """A label of FiftyOne, ``segmentation``: the place of each pixel's class + 1, 0 for the background.

        ``dict(enumerate(s.names, start=1))`` are its mask targets.

        Raises:
            MissingExtraError: when fiftyone is not installed.
        """
        return segmentation_labels(self)

    def to_json(self, indent: int | None = None, arrays: bool = False) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(arrays), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_supervision(self) -> Any:
        """``supervision.Detections`` with one detection per class that has pixels.

        Its confidence is :attr:`confidence`; none when the classes do not compete.

        Raises:
            MissingExtraError: when supervision is not installed.
        """
        try:
            import supervision as sv
        except ImportError as error:
            raise MissingExtraError("supervision", "supervision", "to_supervision()") from error
        if not self.found:
            return sv.Detections.empty()
        index = np.array(self.found)
        masks = self.labels[None] == index[:, None, None]
        return sv.Detections(
            xyxy=np.array([tight_box(mask) for mask in masks], dtype=np.float32),
            mask=masks,
            confidence=None if self.confidence is None else self.confidence[index],
            class_id=index,
            data={"class_name": np.array([self.names[each] for each in index])},
        )


def overlay_labels(
    segmentation: Segmentation,
    *,
    alpha: float = OPACITY,
    legend: bool = True,
    most: int = 24,
    max_side: int = 1600,
    min_side: int = 320,
) -> Image.Image:
    """The image under the colours of its classes, borders drawn, background greyed.

    Args:
        segmentation: what to draw.
        alpha: how strongly colours cover the image, 0..1.
        legend: name the classes beneath the picture, the largest first, with their share of it; names
            wider than the picture are shortened.
        most: classes in the legend at most; how many more there are is said.
        max_side: the longer side of the picture in pixels at most, the legend not counted.
        min_side: its shorter side at least, as far as ``max_side`` allows.

    Returns:
        An RGB image.

    Raises:
        BadOptionError: a number outside its range.
    """
    if not 0 <= alpha <= 1 or min(most, max_side, min_side) < 1:
        raise BadOptionError(
            f"alpha must lie between 0 and 1 and the others be at least 1, got alpha={alpha}, "
            f"most={most}, max_side={max_side}, min_side={min_side}."
        )
    height, width = segmentation.image_size
    factor = scale_factor(height, width, max_side, min_side)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    labels = _nearest(segmentation.labels, size)
    pixels = resized(segmentation.image, size).astype(np.float64)
    picture = Image.fromarray(_coloured(pixels, labels, segmentation.names, alpha))
    return _with_legend(picture, segmentation, most) if legend else picture


def _nearest(labels: NDArray[np.uint16], size: tuple[int, int]) -> NDArray[np.uint16]:
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def _coloured(
    pixels: NDArray[np.float64], labels: NDArray[np.uint16], names: Sequence[str], alpha: float
) -> NDArray[np.uint8]:
    table = np.zeros((BACKGROUND + 1, 3))
    table[: len(names)] = class_colours(names)
    grey = pixels.mean(axis=-1, keepdims=True)
    labelled = (labels != BACKGROUND)[..., None]
    shown = np.where(
        labelled, pixels * (1 - alpha) + table[labels] * alpha, grey * 0.55 + pixels * 0.1
    )
    edges = _borders(labels)[..., None]
    return np.rint(np.where(edges, 0.25 * shown + 0.75 * np.array(PAPER), shown)).astype(np.uint8)


def _borders(labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Bool (height, width): pixels whose right or lower neighbour has another label."""
    edges = np.zeros(labels.shape, dtype=bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges


def _with_legend(picture: Image.Image, segmentation: Segmentation, most: int) -> Image.Image:
    face = font(int(np.clip(min(picture.size) / 24, 12, 26)))
    entries = _entries(segmentation, most)
    rows = _flow(entries, face, picture.width)
    pad = line_height(face) // 2
    height = len(rows) * (line_height(face) + pad) + pad
    sheet = Image.new("RGB", (picture.width, picture.height + height), PAPER)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        top = picture.height + pad + number * (line_height(face) + pad)
        for left, text, colour in row:
            _entry(draw, (left, top), text, colour, face)
    return sheet


class _LegendEntry(NamedTuple):
    """A class in the legend: its name may be shortened, its share not; None: no colour to show."""

    name: str
    share: str
    colour: Colour


def _entries(segmentation: Segmentation, most: int) -> list[_LegendEntry]:
    areas, total = segmentation.areas, segmentation.labels.size
    colours = class_colours(segmentation.names)
    classes = segmentation.found
    entries = [
        _LegendEntry(
            segmentation.names[index],
            _share(areas[index] / total),
            tuple(map(int, colours[index])),
        )
        for index in classes[:most]
    ]
    if len(classes) > most:
        entries.append(_LegendEntry(f"and {len(classes) - most} more", "", None))
    if areas[-1]:
        entries.append(_LegendEntry("background", _share(areas[-1] / total), _GREY))
    return entries


def _share(value: float) -> str:
    return "<1%" if value < 0.005 else f"{value:.0%}"


def _flow(
    entries: list[_LegendEntry], face: Font, width: int
) -> list[list[tuple[int, str, Colour]]]:
    """Lay entries out in rows: (left, text, colour) each, all within the width in pixels."""
    side, gap = line_height(face), line_height(face) // 2
    rows: list[list[tuple[int, str, Colour]]] = [[]]
    left = gap
    for entry in entries:
        before = side + gap // 2 if entry.colour is not None else 0
        text = _shortened(entry, face, width - before - 2 * gap)
        if not text:  # too narrow a picture for letters
            continue
        taken = before + math.ceil(widest([text], face)) + 2 * gap
        if rows[-1] and left + taken > width:
            rows.append([])
            left = gap
        rows[-1].append((left, text, entry.colour))
        left += taken
    return rows


def _shortened(entry: _LegendEntry, face: Font, room: int) -> str:
    """Name and share within so many pixels: the name gives way first, then both; empty: no room."""
    share = widest([f" {entry.share}"], face) if entry.share else 0.0
    name = fit(entry.name, face, room - share, 1)
    lines = name or fit(f"{entry.name} {entry.share}", face, room, 1)
    return f"{lines[0]} {entry.share}".strip() if name else "".join(lines)


def _entry(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: Colour, face: Font
) -> None:
    left, top = place
    if colour is not None:
        side = int(line_height(face) * 0.8)
        draw.rectangle((left, top, left + side, top + side), fill=colour, outline=INK)
        left += line_height(face) + line_height(face) // 4
    draw_lines(draw, (left, top), [text], face, INK)
