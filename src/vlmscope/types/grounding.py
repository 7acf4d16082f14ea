"""The answer to "where does the model look for this phrase?"."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import MissingExtraError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Box", "Grounding"]

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in float pixels of the original image; x1 and y1 are exclusive edges."""


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

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.image.shape[0], self.image.shape[1]

    def overlay(self, **options: Any) -> Image.Image:
        """The image with heat map, mask outline, box and phrase drawn on it.

        Options are those of :func:`vlmscope.viz.overlay`.
        """
        from vlmscope.viz import overlay

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
        """``supervision.Detections`` with one detection, or none when nothing lights up.

        Raises:
            MissingExtraError: when supervision is not installed.
        """
        try:
            import supervision as sv
        except ImportError as error:
            raise MissingExtraError("supervision", "supervision", "to_supervision()") from error
        if self.box is None:
            return sv.Detections.empty()
        return sv.Detections(
            xyxy=np.array([self.box], dtype=np.float32),
            mask=self.mask[None],
            confidence=np.array([self.score], dtype=np.float32),
            class_id=np.array([0]),
            data={"class_name": np.array([self.phrase])},
        )
