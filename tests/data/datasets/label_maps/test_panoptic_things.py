"""COCO-Object from a folder of COCO panoptic: the same pictures, things as classes, stuff as background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panoptic_folder import PanopticFolder, small_folder
from vlmscope.data.datasets import IGNORE, open_dataset
from vlmscope.data.datasets.label_maps.class_words import vocabulary
from vlmscope.errors import BadSampleError

THINGS = vocabulary("coco-object", "plain").labels[1:]


@pytest.fixture
def folder(tmp_path: Path) -> PanopticFolder:
    """The small folder, whose categories are completed to COCO's 80 things."""
    made = small_folder(tmp_path / "data")
    known = {row["name"] for row in made.content["categories"]}
    made.content["categories"] += [
        {"id": 1000 + number, "name": name}
        for number, name in enumerate(THINGS)
        if name not in known
    ]
    return made


def test_things_are_classes_stuff_is_background_and_the_rest_is_ignored(
    folder: PanopticFolder,
) -> None:
    data = open_dataset("coco-object", folder.write())
    assert tuple(data.image_ids) == ("7", "9", "12", "13", "21") and data.skipped == ()
    assert data.protocol["maps"].startswith("COCO panoptic")
    labels = data.load("9").labels
    assert labels is not None
    bus = 1 + THINGS.index("bus")
    assert (labels[0:16] == 0).all()  # sky
    assert (labels[20:44, 8:40] == bus).all()
    assert (labels[44:] == IGNORE).all() and set(np.unique(labels)) == {IGNORE, 0, bus}
    assert [referent.label for referent in data.load("9").referents] == ["bus"]
    assert set(np.unique(data.load("13").labels)) == {IGNORE, 0}  # a wall alone


def test_other_things_are_refused(folder: PanopticFolder) -> None:
    rows = folder.content["categories"]
    folder.content["categories"] = [row for row in rows if row["name"] not in ("kite", "tie")]
    with pytest.raises(
        BadSampleError, match="has no category tie, kite, so it is not of COCO's 80"
    ):
        open_dataset("coco-object", folder.write())


def test_a_missing_picture_refuses_the_set(folder: PanopticFolder) -> None:
    root = folder.write()
    folder.png(9).unlink()
    with pytest.raises(BadSampleError, match=r"1 of the 5 images of coco-object panoptic .*09.png"):
        open_dataset("coco-object", root)
    assert open_dataset("coco-object", root, partial=True).protocol["partial"] == "4 of 5 images"
