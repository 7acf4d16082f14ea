import hashlib
import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

from vlmscope.tiny import SceneOptions, referring_samples, render_scene
from vlmscope.tiny.training.corpus import IGNORED, label_scene
from vlmscope.tiny.world.shapes import coverage
from vlmscope.tiny.world.splits import HELD_OUT, SELECT, TRAIN
from vlmscope.tiny.world.words import COLOURS, PATTERNS, PLACES, SHAPES, SIZES, TEXTURES, TONES

SEEDS = range(60)


@pytest.fixture(scope="module")
def scenes():
    return [render_scene(seed) for seed in SEEDS]


def digest(seed: int) -> str:
    scene = render_scene(seed)
    told = [(item.description(), item.box, item.position) for item in scene.objects]
    return hashlib.sha256(scene.image.tobytes() + repr(told).encode()).hexdigest()


def test_a_seed_gives_the_same_scene_in_another_process():
    program = (
        "import sys; sys.path.insert(0, 'tests/tiny/world'); from test_scenes import digest;"
        "print(digest(3), digest(123456))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [digest(3), digest(123456)]
    assert digest(3) != digest(4)


def test_scenes_hold_two_to_five_objects_of_every_kind(scenes):
    assert {len(scene.objects) for scene in scenes} >= {2, 3, 4}
    items = [item for scene in scenes for item in scene.objects]
    for name, words in (
        ("shape", SHAPES),
        ("colour", COLOURS),
        ("texture", TEXTURES),
        ("size", SIZES),
        ("position", PLACES),
    ):
        assert {getattr(item, name) for item in items} == set(words)
    assert len({(scene.pattern, scene.tone) for scene in scenes}) >= 16
    assert len(PATTERNS) * len(TONES) == 24


def test_masks_are_disjoint_and_boxes_tight(scenes):
    for scene in scenes:
        assert scene.image.dtype == np.uint8 and scene.image.shape == (128, 128, 3)
        covered = np.sum([item.mask for item in scene.objects], axis=0)
        assert covered.max() == 1
        for item in scene.objects:
            rows, columns = np.nonzero(item.mask)
            tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert item.box == tight


def test_a_mask_is_the_object_to_the_pixel():
    # on a plain background the pixels of a solid object, and only they, leave the tone
    for seed in SEEDS:
        scene = render_scene(seed)
        if scene.pattern != "plain":
            continue
        outside = ~np.any([item.mask for item in scene.objects], axis=0)
        tone = np.median(scene.image[outside], axis=0)
        distance = np.abs(scene.image.astype(float) - tone).max(axis=-1)
        for item in scene.objects:
            if item.texture == "solid":
                assert (distance[item.mask] > 25).mean() > 0.97
        near = distance[outside] > 60
        assert near.mean() < 0.01  # only half-covered pixels along the outlines


def test_areas_are_those_of_geometry():
    for radius in (12, 25):
        assert (coverage("circle", radius, 0) > 0.5).sum() == pytest.approx(
            math.pi * radius**2, rel=0.05
        )
        ring = (1.05**2 - 0.52**2) * math.pi * radius**2
        assert (coverage("ring", radius, 0) > 0.5).sum() == pytest.approx(ring, rel=0.06)
        square = (2 * 0.78 * radius) ** 2
        assert coverage("square", radius, 15).sum() == pytest.approx(square, rel=0.08)


def test_positions_are_ninths_of_the_canvas(scenes):
    for scene in scenes:
        height, width = scene.size
        for item in scene.objects:
            column, row = int(3 * item.center[0] / width), int(3 * item.center[1] / height)
            assert item.position == PLACES[3 * row + column]


@pytest.mark.parametrize("size", [(128, 192), (192, 128), (96, 96), (256, 320)])
def test_other_canvases(size):
    scene = render_scene(5, SceneOptions(height=size[0], width=size[1]))
    assert scene.image.shape == (*size, 3) and scene.size == size
    assert all(item.mask.shape == size and item.mask.any() for item in scene.objects)


@pytest.mark.parametrize("equal", [1, 2, 4])
def test_the_first_objects_are_equal_where_that_is_asked_for(equal):
    options = SceneOptions(counts=(5,), alike=0.0, equal=equal)
    for seed in range(12):
        kinds = [
            (item.shape, item.colour, item.texture, item.size)
            for item in render_scene(seed, options).objects
        ]
        assert len(set(kinds[:equal])) == 1
        assert len(set(kinds)) == max(len(kinds) - equal, 0) + 1  # a full canvas holds fewer


def test_patch_labels_agree_with_masks(scenes):
    for scene in scenes[:20]:
        owners, objects, _ = label_scene(scene, 8)
        for index, owner in enumerate(owners):
            row, column = divmod(index, 16)
            cell = np.s_[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            shares = [item.mask[cell].mean() for item in scene.objects]
            if owner == 0:
                assert max(shares) <= 0.05
            elif owner != IGNORED:
                assert shares[owner - 1] == max(shares) >= 0.3
        assert (objects[:, 0] >= 0).sum() == len(scene.objects)


def test_referring_samples_repeat_and_carry_their_object():
    once, again = list(referring_samples(range(8))), list(referring_samples(range(8)))
    assert [sample.phrase for sample in once] == [sample.phrase for sample in again]
    for sample, seed in zip(once, range(8), strict=True):
        scene = render_scene(seed)
        assert np.array_equal(sample.image, scene.image)
        assert any(np.array_equal(sample.mask, item.mask) for item in scene.objects)


def test_seeds_for_training_choosing_and_reporting_are_apart():
    ranges = sorted((TRAIN, SELECT, HELD_OUT), key=lambda seeds: seeds.start)
    for one, two in itertools.pairwise(ranges):
        assert one.stop <= two.start
