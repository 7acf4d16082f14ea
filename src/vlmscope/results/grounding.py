"""The answer to "where does the model look for this phrase?"."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import MissingExtraError
from vlmscope.markup import PICTURE_SIDE, light_png, one_line
from vlmscope.post import Located, score_map
from vlmscope.results.cards import grounding_card, grounding_facts
from vlmscope.results.drawing import overlay
from vlmscope.results.fiftyone_labels import grounding_labels
from vlmscope.results.geometry_blocks import NOTEBOOK_SIDE, SIDE
from vlmscope.results.instances import instances_of
from vlmscope.results.label_studio import to_label_studio
from vlmscope.results.scene import grounding_view
from vlmscope.types import Box, HeadSet, Instance
from vlmscope.viewer import View

__all__ = ["Grounding", "nothing_lit"]


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
        head_set: the heads that were read, with their evidence; None for methods that choose none.
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
    head_set: HeadSet | None = field(default=None, repr=False)

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
        head_set: HeadSet | None = None,
    ) -> Grounding:
        """What was located, with who located it.

        Args:
            located: from :func:`vlmscope.post.locate`.
            phrase, method, model, image, score, details, warnings, head_set: as the attributes.
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
            head_set=head_set,
        )

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.image.shape[0], self.image.shape[1]

    def __repr__(self) -> str:
        return one_line(self, *grounding_facts(self))

    def _repr_html_(self) -> str:
        return self.view(side=NOTEBOOK_SIDE).inline(grounding_card(self))

    def _repr_png_(self) -> bytes:
        return light_png(overlay(self, max_side=PICTURE_SIDE, min_side=320), PICTURE_SIDE)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """Every object of the phrase, best first: the first is what box and mask are about.

        Further ones are read off the map when this is first asked for, without another pass; how,
        say the options ``split``, ``further`` and ``rim``. None when nothing lights up.
        """
        return instances_of(self.box, self.mask, self.point, self.score, self.located)

    def view(self, *, side: int = SIDE, lossless: bool = False) -> View:
        """What the viewer draws: the image, and over it heat map, mask, boxes and peak to be toggled.

        Args:
            side: pixels of the longer side of the image in it at most.
            lossless: keep the image's pixels as they are, as PNG.
        """
        return grounding_view(self, side=side, lossless=lossless)

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

    def to_fiftyone(self) -> dict[str, Any]:
        """Labels of FiftyOne: ``detections`` with masks and ``points`` of all instances, and ``heatmap``.

        They are fields of a sample there. Scores become confidences as they are, in the method's unit.

        Raises:
            MissingExtraError: when fiftyone is not installed.
        """
        return grounding_labels(self)

    def to_label_studio(self, image: str, *, masks: bool = True) -> dict[str, Any]:
        """A task of Label Studio with all instances as its prediction, JSON values.

        Args:
            image: its address as Label Studio reaches it.
            masks: outlines as polygons; else boxes.

        Several phrases of one image: :func:`vlmscope.to_label_studio`.
        """
        return to_label_studio(self, image, masks=masks)

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
