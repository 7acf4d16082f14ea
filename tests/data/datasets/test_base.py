"""Data sets by their ids, and the rendered scenes."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.data.datasets import DATASETS, IGNORE, dataset_kinds, open_dataset
from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.tiny import render_scene
from vlmscope.tiny.world.splits import HELD_OUT


def test_every_kind_is_found_by_its_id() -> None:
    ids = [kind.id for kind in dataset_kinds()]
    assert ids[:2] == ["coco-panoptic", "tiny-scenes"]
    assert len(set(ids)) == len(ids) == 25
    for kind in dataset_kinds():
        assert DATASETS.get(kind.id) is kind
        assert kind.summary


def test_an_unknown_data_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="data set 'coco-panoptics'.*'coco-panoptic'"):
        open_dataset("coco-panoptics")


def test_scenes_take_neither_folder_nor_words() -> None:
    with pytest.raises(BadOptionError, match="tiny-scenes takes no root"):
        open_dataset("tiny-scenes", root="somewhere")
    with pytest.raises(BadOptionError, match="tiny-scenes takes no words"):
        open_dataset("tiny-scenes", words="words.json")


def test_scenes_are_held_out_and_always_the_same() -> None:
    data = open_dataset("tiny-scenes")
    assert [int(image_id) for image_id in data.image_ids] == list(HELD_OUT[:400])
    one, two = (open_dataset("tiny-scenes").load(data.image_ids[5]) for _ in range(2))
    assert np.array_equal(one.image.pixels, two.image.pixels)
    assert [r.label for r in one.referents] == [r.label for r in two.referents]


def test_phrases_of_scenes_fit_their_object_alone() -> None:
    """Every word of a phrase is true of its object, and of no other object all of them."""
    data = open_dataset("tiny-scenes")
    for image_id in data.image_ids[:30]:
        scene = render_scene(int(image_id))
        for referent in data.load(image_id).referents:
            said = set(referent.label.split()) - {"object"}
            fitting = [item for item in scene.objects if said <= set(item.description().split())]
            assert len(fitting) == 1
            assert np.array_equal(fitting[0].mask, referent.target.mask)
            assert fitting[0].box == referent.target.box


def test_most_objects_of_scenes_are_targets() -> None:
    data = open_dataset("tiny-scenes")
    targets = sum(len(data.load(image_id).referents) for image_id in data.image_ids[:30])
    objects = sum(len(render_scene(int(image_id)).objects) for image_id in data.image_ids[:30])
    assert 0.95 * objects <= targets <= objects


def test_labels_of_scenes_are_colours_with_shapes() -> None:
    data = open_dataset("tiny-scenes")
    assert len(data.words) == 48
    scene, sample = render_scene(int(data.image_ids[0])), data.load(data.image_ids[0])
    assert sample.labels is not None
    for item in scene.objects:
        index = data.words.labels.index(f"{item.colour} {item.shape}")
        assert (sample.labels[item.mask] == index).all()
    background = ~np.any([item.mask for item in scene.objects], axis=0)
    assert (sample.labels[background] == IGNORE).all()
