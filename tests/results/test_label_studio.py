"""Tasks of Label Studio straight from results, in percent of the image's sides."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.errors import BadOptionError


def grounding(
    phrase: str = "a dog", box: Any = (4.0, 2.0, 12.0, 8.0), score: float = 0.25
) -> vs.Grounding:
    """A box of 8 x 6 pixels in an image of 20 x 10."""
    mask = np.zeros((10, 20), bool)
    if box is not None:
        mask[2:8, 4:12] = True
    return vs.Grounding(
        phrase=phrase,
        method="m",
        model="tiny",
        image=np.zeros((10, 20, 3), np.uint8),
        heatmap=np.zeros((10, 20), np.float32),
        score_map=np.zeros((2, 4), np.float32),
        mask=mask,
        box=box,
        point=None if box is None else (5.0, 5.0),
        score=score,
        seen=(0.0, 0.0, 20.0, 10.0),
    )


def test_a_box_in_percent() -> None:
    task = grounding().to_label_studio("photos/a b.jpg", masks=False)
    assert task["data"] == {"image": "photos/a b.jpg"}
    (made,) = task["predictions"]
    assert (made["model_version"], made["score"]) == ("tiny", 0.25)
    (region,) = made["result"]
    assert region["value"] == {
        "x": 20.0,
        "y": 20.0,
        "width": 40.0,
        "height": 60.0,
        "rotation": 0,
        "rectanglelabels": ["a dog"],
    }
    assert (region["type"], region["from_name"], region["to_name"]) == (
        "rectanglelabels",
        "box",
        "image",
    )
    assert (region["original_width"], region["original_height"]) == (20, 10)
    json.dumps(task, allow_nan=False)


def test_an_outline_in_percent() -> None:
    (region,) = grounding().to_label_studio("a.jpg")["predictions"][0]["result"]
    assert region["type"] == "polygonlabels" and region["value"]["closed"]
    corners = {tuple(each) for each in region["value"]["points"]}
    assert corners == {(20.0, 20.0), (60.0, 20.0), (60.0, 80.0), (20.0, 80.0)}


def test_several_phrases_of_one_image_and_one_that_is_not_there() -> None:
    each = [grounding("a dog"), grounding("a cat", None), grounding("a bird", score=0.75)]
    (made,) = vs.to_label_studio(each, "a.jpg", masks=False)["predictions"]
    assert [region["id"] for region in made["result"]] == ["1-1", "1-2"]
    assert [region["value"]["rectanglelabels"] for region in made["result"]] == [
        ["a dog"],
        ["a bird"],
    ]
    assert made["score"] == 0.5
    nothing = grounding(box=None).to_label_studio("a.jpg")["predictions"][0]
    assert nothing["result"] == [] and "score" not in nothing


def test_a_box_beyond_the_edge_is_cut_off() -> None:
    task = grounding(box=(-2.0, 2.0, 30.0, 8.0)).to_label_studio("a.jpg", masks=False)
    value = task["predictions"][0]["result"][0]["value"]
    assert (value["x"], value["width"]) == (0.0, 100.0)


def test_one_task_is_about_one_image() -> None:
    other = replace(grounding(), image=np.zeros((9, 20, 3), np.uint8))
    with pytest.raises(BadOptionError, match="same image"):
        vs.to_label_studio([grounding(), other], "a.jpg")
    with pytest.raises(BadOptionError, match="got 0 groundings"):
        vs.to_label_studio([], "a.jpg")
