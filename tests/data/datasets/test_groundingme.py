"""GroundingME: one box, or a rejection."""

from __future__ import annotations

from pathlib import Path

import pytest

from ref_sets import grounding_me
from vlmscope.data.datasets import NOWHERE, open_dataset
from vlmscope.errors import BadSampleError


def test_rejections_are_absent_and_others_have_a_box(tmp_path: Path) -> None:
    root = grounding_me(tmp_path, [[30.0, 20.0, 50.0, 35.0], [0.0] * 4])
    data = open_dataset("groundingme", root)
    [there], [absent] = (data.load(image_id).referents for image_id in data.image_ids)
    assert there.target.box == (30.0, 20.0, 50.0, 35.0) and not there.absent
    assert there.tags == {"subtask_l1": "Spatial", "subtask_l2": "Counting"}
    assert absent.absent and absent.target is NOWHERE and absent.instances == ()
    assert data.protocol["boxes"] == "xyxy as its card states; as xywh, 1 of 1 would not fit"


def test_boxes_that_are_no_corners_are_refused(tmp_path: Path) -> None:
    root = grounding_me(tmp_path, [[30.0, 20.0, 10.0, 15.0]])
    with pytest.raises(BadSampleError, match="as xyxy, which its card states. As xywh all fit"):
        open_dataset("groundingme", root)
