"""The answer to "which class is every pixel?"."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import MissingExtraError, UnknownNameError
from vlmscope.types.grounding import Box

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["BACKGROUND", "MAX_CLASSES", "Segmentation"]

BACKGROUND = 65_535
"""The label of a pixel that belongs to none of the classes."""

MAX_CLASSES = BACKGROUND


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
        raise UnknownNameError("class", which, self.names)

    def overlay(self, **options: Any) -> Image.Image:
        """The image with its classes coloured and a legend.

        Options are those of :func:`vlmscope.viz.overlay_labels`.
        """
        from vlmscope.viz import overlay_labels

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
            xyxy=np.array([box_of(mask) for mask in masks], dtype=np.float32),
            mask=masks,
            confidence=None if self.confidence is None else self.confidence[index],
            class_id=index,
            data={"class_name": np.array([self.names[each] for each in index])},
        )


def box_of(mask: NDArray[np.bool_]) -> Box:
    """The tight xyxy box, far edges exclusive, of a mask with at least one pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
