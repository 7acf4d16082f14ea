"""The answer to "where does the model look for this phrase?"."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import BadOptionError, MissingExtraError, UnknownNameError
from vlmscope.markup import PICTURE_SIDE, one_line, png
from vlmscope.post import Located, score_map
from vlmscope.results.cards import grounding_card, grounding_facts
from vlmscope.results.instances import instances_of
from vlmscope.types import Box, Instance
from vlmscope.viz.colours import colorize, normalize
from vlmscope.viz.pens import (
    draw_box,
    draw_label,
    draw_point,
    hatch_outside,
    outline_mask,
    stroke_width,
)

__all__ = [
    "SHOWN",
    "Grounding",
    "nothing_lit",
    "overlay",
    "resized",
    "scale_factor",
    "side_by_side",
]

SHOWN = ("heatmap", "mask", "box", "instances", "point", "label")
"""Everything an overlay can show."""


@dataclass(frozen=True, eq=False)
class Grounding:
    """Where one method places one phrase in one image.

    Attributes:
        phrase: the phrase as given.
        method: id of the method, for example ``"localization-heads"``.
        model: id of the model.
        image: uint8 (height, width, 3), the original image, upright.
        heatmap: float32 (height, width) of the ORIGINAL image, 0..1, for display only: it is
            stretched to its own range, so an absent object peaks at 1 too.
        score_map: float32 on the token grid (rows, columns), raw values, comparable between
            phrases and images of the same model and method.
        mask: bool (height, width); all False when nothing lights up.
        box: xyxy float pixels of the original image, or None when nothing lights up.
        point: (x, y) of the peak in original pixels, or None when nothing lights up.
        score: one number for how strongly the phrase lights up; its meaning is the method's.
        seen: xyxy of the part of the image that the model saw at all.
        details: what the method wants on record (heads, read-out row, thresholds), JSON values.
        warnings: sentences the user should read before trusting this result.
        located: what it was read from, where :attr:`instances` are looked for; None: a Grounding
            that was put together otherwise and has one instance at most.
    """

    phrase: str
    method: str
    model: str
    image: NDArray[np.uint8] = field(repr=False)
    heatmap: NDArray[np.float32] = field(repr=False)
    score_map: NDArray[np.float32] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    box: Box | None
    point: tuple[float, float] | None
    score: float
    seen: Box
    details: dict[str, Any] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    located: Located | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        located: Located,
        *,
        phrase: str,
        method: str,
        model: str,
        image: NDArray[np.uint8],
        score: float,
        scores: NDArray[np.floating] | None = None,
        details: dict[str, Any],
        warnings: tuple[str, ...] = (),
    ) -> Grounding:
        """What was located, with who located it.

        Args:
            located: from :func:`vlmscope.post.locate`.
            phrase, method, model, image, score, details, warnings: as the attributes.
            scores: float (tokens,), raw values for the score map; default: what was located.
        """
        shown = located.score_map if scores is None else score_map(located.token_map, scores)
        return cls(
            phrase=phrase,
            method=method,
            model=model,
            image=image,
            heatmap=located.heatmap,
            score_map=shown,
            mask=located.mask,
            box=located.box,
            point=located.point,
            score=score,
            seen=located.token_map.seen,
            details=details,
            warnings=warnings
            + nothing_lit(phrase, located.box)
            + _peak_outside(located.box, located.point),
            located=located,
        )

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.image.shape[0], self.image.shape[1]

    def __repr__(self) -> str:
        return one_line(self, *grounding_facts(self))

    _repr_html_ = grounding_card

    def _repr_png_(self) -> bytes:
        return png(overlay(self, max_side=PICTURE_SIDE, min_side=320), PICTURE_SIDE)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """Every object of the phrase, best first: the first is what box and mask are about.

        Further ones are read off the map when this is first asked for, without another pass; how,
        say the options ``split``, ``further`` and ``rim``. None when nothing lights up.
        """
        return instances_of(self.box, self.mask, self.point, self.score, self.located)

    def overlay(self, **options: Any) -> Image.Image:
        """The image with heat map, mask outline, box and phrase drawn on it.

        Options are those of :func:`vlmscope.results.overlay`.
        """
        return overlay(self, **options)

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values; ``arrays=True`` adds the score map as nested lists."""
        height, width = self.image_size
        record: dict[str, Any] = {
            "phrase": self.phrase,
            "method": self.method,
            "model": self.model,
            "image_size": {"height": height, "width": width},
            "box": None if self.box is None else [float(value) for value in self.box],
            "point": None if self.point is None else [float(value) for value in self.point],
            "score": float(self.score),
            "mask_area": int(self.mask.sum()),
            "instances": [instance.to_dict() for instance in self.instances],
            "seen": [float(value) for value in self.seen],
            "details": self.details,
            "warnings": list(self.warnings),
        }
        if arrays:
            record["score_map"] = self.score_map.astype(float).tolist()
        return record

    def to_json(self, indent: int | None = None, arrays: bool = False) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(arrays), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_supervision(self) -> Any:
        """``supervision.Detections`` of all instances, best first; empty when nothing lights up.

        Raises:
            MissingExtraError: when supervision is not installed.
        """
        try:
            import supervision as sv
        except ImportError as error:
            raise MissingExtraError("supervision", "supervision", "to_supervision()") from error
        if not self.instances:
            return sv.Detections.empty()
        count = len(self.instances)
        return sv.Detections(
            xyxy=np.array([each.box for each in self.instances], dtype=np.float32),
            mask=np.stack([each.mask for each in self.instances]),
            confidence=np.array([each.score for each in self.instances], dtype=np.float32),
            class_id=np.zeros(count, dtype=int),
            data={"class_name": np.array([self.phrase] * count)},
        )


def overlay(
    grounding: Grounding,
    *,
    alpha: float = 0.55,
    colormap: str = "inferno",
    show: Collection[str] = SHOWN,
    max_side: int = 1600,
    min_side: int = 1,
    scale: tuple[float, float] | None = None,
) -> Image.Image:
    """The image with heat map, mask outline, box, peak and phrase drawn on it.

    What the model did not see (``grounding.seen``) is darkened and hatched.

    Args:
        grounding: what to draw.
        alpha: how strongly the heat map covers the image, 0..1.
        colormap: ``inferno``, ``viridis`` or ``grey``.
        show: which of ``heatmap``, ``mask``, ``box``, ``instances``, ``point``, ``label`` to draw.
            ``instances`` are the further ones: thin boxes with their numbers. A label is left out
            where the picture is too small for readable letters.
        max_side: the longer side of the result in pixels at most; larger images are made smaller.
        min_side: the shorter side of the result at least, as far as ``max_side`` allows: small
            images are enlarged so that lines and letters are readable.
        scale: (low, high) of the colour scale in units of ``score_map``, to compare groundings;
            by default the heat map's own range.

    Returns:
        An RGB image with the proportions of the original, of its size within the two limits.

    Raises:
        BadOptionError: a number outside its range.
        UnknownNameError: an unknown colour map or thing to show.
    """
    _check(alpha, show, max_side, min_side)
    height, width = grounding.image_size
    factor = scale_factor(height, width, max_side, min_side)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    pixels = resized(grounding.image, size).astype(np.float64)
    if "heatmap" in show:
        pixels = _blend(pixels, _heat(grounding, size, scale), alpha, colormap)
    pixels = hatch_outside(pixels, _scaled(grounding.seen, factor))
    image = Image.fromarray(np.rint(pixels).astype(np.uint8))
    return _strokes(image, grounding, show, factor)


def _strokes(
    image: Image.Image, grounding: Grounding, show: Collection[str], factor: float
) -> Image.Image:
    width = stroke_width((image.height, image.width))
    box = None if grounding.box is None else _scaled(grounding.box, factor)
    further = grounding.instances[1:] if "instances" in show else ()
    for instance in further:
        draw_box(image, _scaled(instance.box, factor), max(1, width // 2))
    if "mask" in show:
        image = outline_mask(image, grounding.mask, width)
    if "box" in show and box is not None:
        draw_box(image, box, width)
    if "point" in show and grounding.point is not None:
        draw_point(image, (grounding.point[0] * factor, grounding.point[1] * factor), width)
    if "label" in show:
        for number, instance in enumerate(further, start=2):
            draw_label(image, str(number), _scaled(instance.box, factor))
        nothing = "" if grounding.box is not None else "  (nothing lights up)"
        draw_label(image, grounding.phrase + nothing, box)
    return image


def side_by_side(
    groundings: Sequence[Grounding],
    *,
    shared_scale: bool = True,
    gap: int = 8,
    background: tuple[int, int, int] = (255, 255, 255),
    height: int = 480,
    **options: object,
) -> Image.Image:
    """Several groundings in a row, by default on ONE colour scale.

    On a shared scale the colours are raw scores between the lowest and the highest of all
    ``score_map``s, so a phrase that lights up less looks darker. The groundings have to be of
    one model and method for that to mean anything.

    Args:
        groundings: at least one.
        shared_scale: one colour scale for all, or each its own.
        gap: pixels between the pictures.
        background: RGB behind them.
        height: height of each picture in pixels.
        **options: those of :func:`overlay`.

    Raises:
        BadOptionError: no groundings, or several models or methods on one scale.
    """
    if not groundings:
        raise BadOptionError("There are no groundings to put side by side; give at least one.")
    kinds = sorted({f"{g.method} of {g.model}" for g in groundings})
    if shared_scale and len(kinds) > 1:
        raise BadOptionError(
            f"One colour scale compares one method of one model, got {', '.join(kinds)}. "
            "Draw them with shared_scale=False."
        )
    scale = None
    if shared_scale:
        lows, highs = zip(
            *((g.score_map.min(), g.score_map.max()) for g in groundings), strict=True
        )
        scale = float(min(lows)), float(max(highs))
    options = {"min_side": height, **options}
    drawn = [overlay(g, scale=scale, **options) for g in groundings]  # type: ignore[arg-type]
    tiles = [_to_height(picture, height) for picture in drawn]
    total = sum(tile.width for tile in tiles) + gap * (len(tiles) - 1)
    row = Image.new("RGB", (total, height), background)
    left = 0
    for tile in tiles:
        row.paste(tile, (left, 0))
        left += tile.width + gap
    return row


def _to_height(picture: Image.Image, height: int) -> Image.Image:
    if picture.height == height:
        return picture
    width = max(1, round(picture.width * height / picture.height))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _check(alpha: float, show: Collection[str], max_side: int, min_side: int) -> None:
    if not 0 <= alpha <= 1:
        raise BadOptionError(f"alpha must lie between 0 and 1, got {alpha}.")
    if max_side < 1 or min_side < 1:
        raise BadOptionError(
            f"max_side and min_side must be at least 1, got {max_side} and {min_side}."
        )
    if isinstance(show, str):
        raise BadOptionError(f"show is a collection of names, for example ({show!r},).")
    for name in show:
        if name not in SHOWN:
            raise UnknownNameError("thing to show", name, SHOWN)


def scale_factor(height: int, width: int, max_side: int, min_side: int) -> float:
    """How much a picture is enlarged (above 1) or made smaller to keep to both limits."""
    larger = max(1.0, min_side / min(height, width))
    return min(larger, max_side / max(height, width))


def _scaled(box: Box, factor: float) -> Box:
    x0, y0, x1, y1 = box
    return x0 * factor, y0 * factor, x1 * factor, y1 * factor


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels at another (height, width)."""
    if pixels.shape[:2] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.LANCZOS))


def _heat(
    grounding: Grounding, size: tuple[int, int], scale: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Float (height, width) in 0..1 at the size of the picture."""
    heat = normalize(grounding.heatmap, (0, 1))
    if scale is not None:  # back to raw scores, then onto the scale asked for
        low, high = float(grounding.score_map.min()), float(grounding.score_map.max())
        heat = normalize(low + heat * (high - low), scale)
    if heat.shape == size:
        return heat
    image = Image.fromarray(heat.astype(np.float32))
    resized = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float64), 0, 1)


def _blend(
    pixels: NDArray[np.float64], heat: NDArray[np.float64], alpha: float, colormap: str
) -> NDArray[np.float64]:
    """Cover the image more where the map is bright, so that the rest of it stays readable."""
    weight = (alpha * (0.5 + 0.5 * heat))[..., None]
    return pixels * (1 - weight) + colorize(heat, colormap) * weight


def nothing_lit(phrase: str, box: Box | None) -> tuple[str, ...]:
    """A sentence where there is no instance."""
    if box is not None:
        return ()
    return (f"{phrase!r}: nothing lights up, so there is no box and no instance.",)


def _peak_outside(box: Box | None, point: tuple[float, float] | None) -> tuple[str, ...]:
    """A sentence where the largest component is not the one that holds the strongest place."""
    if box is None or point is None:
        return ()
    x, y = point
    if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
        return ()
    return (
        f"The strongest place of the map (x {x:.0f}, y {y:.0f}) lies outside the box, which is around "
        "another part that lights up. keep='peak' boxes the part that holds it.",
    )
