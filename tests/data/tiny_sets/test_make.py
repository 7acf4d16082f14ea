"""Rendered sets: what was written is read again, equal to the scenes to the pixel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vlmscope.data.datasets import IGNORE, NOWHERE, EvalSample, Referent, open_dataset
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.data.tiny_sets import LAYOUTS, make_tiny
from vlmscope.data.tiny_sets.scenes import (
    nothing_like,
    rectangles,
    said_of,
    scenes_of,
    several_or_none,
)
from vlmscope.data.tiny_sets.screenspot_layout import SCENES_OF_PLATFORMS
from vlmscope.errors import BadOptionError, OutputError, UnknownNameError
from vlmscope.metrics.mme import COGNITION, PERCEPTION
from vlmscope.tiny import Scene
from vlmscope.tiny.world.splits import HELD_OUT, SELECT
from vlmscope.tiny.world.words import SHAPES

IMAGES = 6


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    for like in LAYOUTS:
        make_tiny(like, folder / like, IMAGES)
    return {like: folder / like for like in LAYOUTS}


def pairs(name: str, root: Path, split: str) -> Iterator[tuple[Scene, EvalSample]]:
    data = open_dataset(LAYOUTS[name].dataset, root, split=split)
    assert data.skipped == () and "partial" not in data.protocol
    for scene, image_id in zip(scenes_of(split, IMAGES), data.image_ids, strict=True):
        yield scene, data.load(image_id)


def check_object(scene: Scene, referent: Referent, objects: tuple[int, ...]) -> None:
    """A sentence means these objects of the scene: boxes, masks, each and together."""
    items = [scene.objects[index] for index in objects]
    assert [each.box for each in referent.instances] == [item.box for item in items]
    for each, item in zip(referent.instances, items, strict=True):
        assert np.array_equal(each.mask, item.mask)
    assert np.array_equal(referent.target.mask, np.any([item.mask for item in items], axis=0))
    boxes = np.array([item.box for item in items])
    assert referent.target.box == (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    assert not referent.absent


UNSAID = {"refcoco+": ("place",), "refcoco+-jxu124": ("place",)}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("refcoco-m", "val"),
        *(("refcoco", split) for split in ("train", "val", "testA", "testB")),
        *(("refcoco-jxu124", split) for split in ("train", "val", "testA", "testB")),
        *(("refcoco+", split) for split in ("val", "testA")),
        ("refcoco+-jxu124", "testB"),
        *(("refcocog", split) for split in ("train", "val", "test")),
        ("refcocog-jxu124", "test"),
    ],
)
def test_sentences_boxes_and_masks_are_those_of_the_scenes(
    roots: dict[str, Path], name: str, split: str
) -> None:
    total = 0
    for scene, sample in pairs(name, roots[name], split):
        groups = said_of(scene, UNSAID.get(name, ()))
        expected = [(text, said.objects) for said in groups for text in said.texts]
        assert [referent.label for referent in sample.referents] == [text for text, _ in expected]
        for referent, (text, objects) in zip(sample.referents, expected, strict=True):
            assert referent.names == (text,)
            shape = scene.objects[objects[0]].shape
            numbered = str(SHAPES.index(shape) + 1)  # jxu124 has the categories' numbers alone
            assert referent.tags == {"category": numbered if "jxu124" in name else shape}
            check_object(scene, referent, objects)
            total += 1
        assert sample.image.size == scene.size
        difference = np.abs(sample.image.pixels.astype(int) - scene.image)
        assert difference.max() == 0 if name == "refcoco-m" else difference.mean() < 4
    data = open_dataset(LAYOUTS[name].dataset, roots[name], split=split)
    counts = data.protocol["counts"]
    assert counts["sentences"] == total and counts["images"] == IMAGES


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("refcoco-lmms", split) for split in ("val", "testA", "testB")),
        ("refcoco+-lmms", "val"),
        ("refcocog-lmms", "test"),
        ("ref-l4", "val"),
        ("ref-l4", "test"),
    ],
)
def test_forms_without_masks_have_the_boxes_of_the_scenes(
    roots: dict[str, Path], name: str, split: str
) -> None:
    for scene, sample in pairs(name, roots[name], split):
        groups = said_of(scene, ("place",) if name.startswith("refcoco+") else ())
        expected = [
            (text, scene.objects[said.objects[0]].box) for said in groups for text in said.texts
        ]
        assert [(r.label, r.target.box) for r in sample.referents] == expected
        assert all(referent.target.mask is None for referent in sample.referents)
        assert np.array_equal(sample.image.pixels, scene.image)


def test_ref_l4_is_val_and_test_together(roots: dict[str, Path]) -> None:
    val, test, whole = (
        open_dataset("ref-l4", roots["ref-l4"], split=split) for split in ("val", "test", "all")
    )
    assert list(whole.image_ids) == [*val.image_ids, *test.image_ids]
    assert whole.load(whole.image_ids[0]).referents[0].tags["category"].startswith("o365_")


def test_groundingme_has_boxes_and_rejections(roots: dict[str, Path]) -> None:
    data = open_dataset("groundingme", roots["groundingme"])
    assert data.skipped == ()
    rows = [
        (scene, said)
        for scene in scenes_of("test", IMAGES)
        for said in (*said_of(scene), *nothing_like(scene))
    ]
    absent = 0
    for (scene, said), image_id in zip(rows, data.image_ids, strict=True):
        sample = data.load(image_id)
        [referent] = sample.referents
        assert np.array_equal(sample.image.pixels, scene.image)
        assert referent.label == said.texts[0] and referent.absent is not bool(said.objects)
        absent += referent.absent
        if said.objects:
            assert referent.target.box == scene.objects[said.objects[0]].box
    assert 1 < absent < len(rows) and "absent" in data.tasks


def test_sentences_of_refcoco_plus_name_no_place(roots: dict[str, Path]) -> None:
    """Places are what the set was made to do without."""

    def labels(name: str) -> list[str]:
        data = open_dataset(name, roots[name], split="testA")
        return [r.label for image_id in data.image_ids for r in data.load(image_id).referents]

    assert any(" in the " in label for label in labels("refcoco"))
    assert not any(" in the " in label for label in labels("refcoco+"))


def test_one_several_or_no_object(roots: dict[str, Path]) -> None:
    seen: set[int] = set()
    for scene, sample in pairs("grefcoco", roots["grefcoco"], "val"):
        groups = [*said_of(scene), *several_or_none(scene)]
        expected = [(text, said.objects) for said in groups for text in said.texts]
        for referent, (text, objects) in zip(sample.referents, expected, strict=True):
            seen.add(min(2, len(objects)))
            assert referent.label == text
            if objects:
                check_object(scene, referent, objects)
            else:
                assert referent.absent and referent.instances == ()
                assert referent.target is NOWHERE
    assert seen == {0, 1, 2}


def test_targets_and_ignored_pixels_of_reasonseg(roots: dict[str, Path]) -> None:
    ignored = 0
    whole = set()
    for scene, sample in pairs("reasonseg", roots["reasonseg"], "val"):
        [referent] = sample.referents
        [index] = said_of(scene)[0].objects
        item = scene.objects[index]
        assert np.array_equal(referent.target.mask, item.mask)
        assert referent.target.box == item.box
        whole.add(referent.tags["is_sentence"])
        assert said_of(scene)[0].texts[0] in referent.label
        if referent.ignore is not None:
            others = [each for place, each in enumerate(scene.objects) if place != index]
            assert np.array_equal(referent.ignore, others[0].mask)
            ignored += 1
    assert ignored and whole == {"yes", "no"}


@pytest.mark.parametrize("platform", SCENES_OF_PLATFORMS)
def test_screens_show_the_scenes_of_their_platform(roots: dict[str, Path], platform: str) -> None:
    data = open_dataset("screenspot", roots["screenspot"], split=platform)
    scenes = scenes_of(SCENES_OF_PLATFORMS[platform], IMAGES)
    kinds = set()
    for scene, image_id in zip(scenes, data.image_ids, strict=True):
        sample = data.load(image_id)
        assert np.array_equal(sample.image.pixels, scene.image)
        for said, referent in zip(said_of(scene), sample.referents, strict=True):
            item = scene.objects[said.objects[0]]
            assert referent.label == f"press {said.texts[0]}"
            assert referent.target.box == item.box and referent.target.mask is None
            assert referent.tags["platform"] == platform
            kinds.add((referent.tags["data_type"], item.texture == "solid"))
    assert kinds == {("icon", True), ("text", False)}


def test_segments_are_the_objects_of_the_scenes(roots: dict[str, Path]) -> None:
    data = open_dataset("coco-panoptic", roots["coco-panoptic"])
    assert data.skipped == () and len(data.image_ids) == IMAGES
    for scene, image_id in zip(scenes_of("val", IMAGES), data.image_ids, strict=True):
        sample = data.load(image_id)
        assert np.array_equal(sample.image.pixels, scene.image)
        expected = np.full(scene.size, IGNORE)
        for item in scene.objects:
            expected[item.mask] = data.words.labels.index(item.shape)
        assert np.array_equal(sample.labels, expected)


def test_mme_asks_two_questions_of_each_scene(roots: dict[str, Path]) -> None:
    data = open_dataset("mme", roots["mme"])
    assert isinstance(data, MmeSet)
    scenes = list(scenes_of("val", IMAGES))
    seen = set()
    for image_id in data.image_ids:
        category, number = image_id.split("/")
        scene = scenes[int(number)]
        both = data.questions(image_id)
        assert np.array_equal(data.load(image_id).image.pixels, scene.image)
        assert [each.truth for each in both] == [True, False]
        for each in both:
            assert np.array_equal(each.question.image, scene.image)
            assert holds(scene, each.question.text) is each.truth
        seen.add(category)
    assert seen == {*PERCEPTION, *COGNITION} and len(data.image_ids) == 14 * IMAGES


def holds(scene: Scene, question: str) -> bool:
    """What is true of a scene, worked out from the question's words alone."""
    words = question.removesuffix(" Please answer yes or no.").rstrip("?").split()
    names = [set(each.description().split()) for each in scene.objects]
    if words[:3] == ["Is", "the", "number"]:
        return int(words[-1]) == len(scene.objects)
    if words[-1] == "ninth":
        kind, place = words[3:7], " ".join(words[10:-1])
        return any(
            name == set(kind) and each.position == place
            for name, each in zip(names, scene.objects, strict=True)
        )
    kind = set(words[3:-3]) - {"object"}
    return any(kind <= name for name in names)


def test_the_manifest_says_what_is_read(roots: dict[str, Path]) -> None:
    for like, root in roots.items():
        content = json.loads((root / "manifest.json").read_text())
        assert content["like"] == like
        if like == "coco-panoptic":  # its format knows no splits
            data = open_dataset(like, root)
            assert "no published figure" in data.protocol["rendered"]
            assert content["splits"]["all"]["images"] == len(data.image_ids)
            continue
        for split, counts in content["splits"].items():
            data = open_dataset(LAYOUTS[like].dataset, root, split=split)
            assert data.protocol["counts"] == counts
            assert "no published figure" in data.protocol["rendered"]
            assert "label noise" not in data.protocol


def test_the_same_again_is_the_same(roots: dict[str, Path], tmp_path: Path) -> None:
    for like, root in roots.items():
        make_tiny(like, tmp_path / like, IMAGES)
        for path in sorted(each for each in root.rglob("*") if each.is_file()):
            assert (tmp_path / like / path.relative_to(root)).read_bytes() == path.read_bytes()


def test_splits_share_no_scene_and_training_none_with_reporting() -> None:
    seeds = {split: {scene.seed for scene in scenes_of(split, 3)} for split in ("train", "val")}
    assert seeds["train"] <= set(SELECT) and seeds["val"] <= set(HELD_OUT[400:])
    others = [{scene.seed for scene in scenes_of(split, 3)} for split in ("val", "testA", "testB")]
    assert len(set.union(*others)) == 9


def test_rectangles_cover_a_mask_once() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = rng.random((17, 23)) < rng.random()
        drawn = np.zeros(mask.shape, dtype=int)
        for x0, y0, x1, y1 in rectangles(mask):
            drawn[y0:y1, x0:x1] += 1
        assert np.array_equal(drawn, mask.astype(int))


@pytest.mark.parametrize("images", [0, 1001, True])
def test_how_many_images(tmp_path: Path, images: Any) -> None:
    with pytest.raises(BadOptionError, match="images must be from 1 to 1,000"):
        make_tiny("refcoco", tmp_path / "set", images)


def test_other_layouts_and_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Unknown layout 'refcoc'"):
        make_tiny("refcoc", tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        make_tiny("refcoco", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(OutputError, match="Cannot write into"):
        make_tiny("refcoco", tmp_path / "mine.txt")
