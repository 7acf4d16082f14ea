"""Labels of FiftyOne, made with a stand-in that has the constructors of its documentation."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.errors import BadOptionError, MissingExtraError
from vlmscope.types import BACKGROUND


@dataclass
class Detection:
    label: str
    bounding_box: list[float]
    confidence: float
    mask: Any


@dataclass
class Detections:
    detections: list[Detection] = field(default_factory=list)


@dataclass
class Keypoint:
    label: str
    points: list[tuple[float, float]]


@dataclass
class Keypoints:
    keypoints: list[Keypoint] = field(default_factory=list)


@dataclass
class Heatmap:
    map: Any
    range: list[float]


@dataclass
class Segmentation:
    mask: Any


@pytest.fixture
def fiftyone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("fiftyone")
    for each in (Detection, Detections, Keypoint, Keypoints, Heatmap, Segmentation):
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "fiftyone", module)


def grounding(box: Any = (4.0, 2.0, 12.0, 8.0)) -> vs.Grounding:
    """A box of 8 x 6 pixels in an image of 20 x 10."""
    mask = np.zeros((10, 20), bool)
    if box is not None:
        mask[2:8, 4:11] = True
    return vs.Grounding(
        phrase="a <b>dog</b>",
        method="m",
        model="tiny",
        image=np.zeros((10, 20, 3), np.uint8),
        heatmap=np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20),
        score_map=np.zeros((2, 4), np.float32),
        mask=mask,
        box=box,
        point=None if box is None else (5.0, 5.0),
        score=0.25,
        seen=(0.0, 0.0, 20.0, 10.0),
    )


def segmentation(names: tuple[str, ...] = ("dog", "cat")) -> vs.Segmentation:
    labels = np.array([[0, 1, BACKGROUND], [len(names) - 1, 0, 0]], np.uint16)
    count = len(names)
    return vs.Segmentation(
        names=names,
        method="m",
        model="tiny",
        image=np.zeros((2, 3, 3), np.uint8),
        labels=labels,
        score_maps=np.zeros((count, 1, 1), np.float32),
        presence=np.zeros(count, np.float32),
    )


@pytest.mark.usefixtures("fiftyone")
def test_a_grounding_in_shares_of_the_sides() -> None:
    g = grounding()
    labels = g.to_fiftyone()
    (found,) = labels["detections"].detections
    assert (found.label, found.confidence) == ("a <b>dog</b>", 0.25)
    assert found.bounding_box == [0.2, 0.2, 0.4, 0.6]
    np.testing.assert_array_equal(found.mask, g.mask[2:8, 4:12])
    (point,) = labels["points"].keypoints
    assert point.points == [(0.25, 0.5)]
    assert labels["heatmap"].map is g.heatmap and labels["heatmap"].range == [0.0, 1.0]


@pytest.mark.usefixtures("fiftyone")
def test_a_box_between_pixels_and_beyond_the_edge_holds_its_mask() -> None:
    (found,) = grounding((3.5, -1.0, 21.0, 8.2)).to_fiftyone()["detections"].detections
    assert found.bounding_box == [0.15, 0.0, 0.85, 0.9]
    assert found.mask.shape == (9, 17)


@pytest.mark.usefixtures("fiftyone")
def test_nothing_lit_has_no_detection_but_a_heat_map() -> None:
    labels = grounding(None).to_fiftyone()
    assert labels["detections"].detections == [] and labels["points"].keypoints == []
    assert labels["heatmap"].map.shape == (10, 20)


@pytest.mark.usefixtures("fiftyone")
def test_classes_count_from_one_and_the_background_is_zero() -> None:
    mask = segmentation().to_fiftyone()["segmentation"].mask
    assert mask.dtype == np.uint8 and mask.tolist() == [[1, 2, 0], [2, 1, 1]]
    many = segmentation(tuple(map(str, range(256)))).to_fiftyone()["segmentation"].mask
    assert many.dtype == np.uint16 and many[1, 0] == 256


@pytest.mark.usefixtures("fiftyone")
def test_a_list_keeps_its_order_and_its_kinds() -> None:
    first, second = vs.to_fiftyone([grounding(), segmentation()])
    assert set(first) == {"detections", "points", "heatmap"} and set(second) == {"segmentation"}
    with pytest.raises(BadOptionError, match="got dict among them"):
        vs.to_fiftyone([{}])  # type: ignore[list-item]


def test_without_fiftyone_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    for result in (grounding(), segmentation()):
        with pytest.raises(MissingExtraError, match=r"vlmscope\[fiftyone\]"):
            result.to_fiftyone()
