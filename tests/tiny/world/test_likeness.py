"""What looks like a rendered scene and what does not, by the limits that ship with the embedded models."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vlmscope.errors import ModelLoadError
from vlmscope.tiny import EMBEDDED, SceneOptions, embedded_path, render_scene
from vlmscope.tiny.training.world_limits import handed_on
from vlmscope.tiny.world.likeness import Backdrop, World
from vlmscope.tiny.world.settings import CROWD
from vlmscope.tiny.world.splits import HELD_OUT

PHOTOGRAPHS = Path(__file__).resolve().parents[4] / "shared/data/coco-panoptic-100/images"

SIZES = [(128, 128), (128, 192), (192, 128), (96, 96), (256, 320), (480, 640), (128, 400)]
KINDS = [SceneOptions(*size) for size in SIZES] + [
    SceneOptions(counts=(5,), alike=0.95),
    SceneOptions(counts=(2,)),
]
WAYS = list(itertools.product((1.0, 0.5, 0.7, 1.4, 2.0), (False, True)))


def declared(name: str = "tiny-llava") -> World:
    card = json.loads((embedded_path(name) / "vlmscope.json").read_text())
    return World.of_record(card["world"], name)


def strange_scenes(seeds: range) -> list[tuple[int, float, bool]]:
    """Of the scenes of these seeds, each of the next kind and handed on in the next way."""
    world, strange = declared(), []
    turns = itertools.cycle(itertools.product(KINDS, WAYS))
    for seed, (kind, (scale, jpeg)) in zip(seeds, turns, strict=False):
        image = render_scene(seed, kind).image
        if not world.holds(image) or not world.holds(handed_on(image, scale, jpeg)):
            strange.append((seed, scale, jpeg))
    return strange


def test_four_hundred_scenes_of_every_kind_look_like_scenes() -> None:
    assert strange_scenes(HELD_OUT[3000:3400]) == []


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason=f"needs photographs in {PHOTOGRAPHS}")
def test_of_a_hundred_photographs_five_at_most_look_like_scenes() -> None:
    world = declared()
    files = sorted(PHOTOGRAPHS.rglob("*.jpg"))
    held = [file.name for file in files if world.holds(np.asarray(Image.open(file).convert("RGB")))]
    assert len(files) == 100 and len(held) <= 5, held


def page(paper: tuple[int, int, int], banner: bool = False) -> NDArray[np.uint8]:
    """A screen full of lines of text."""
    image = Image.new("RGB", (640, 480), paper)
    draw = ImageDraw.Draw(image)
    for y in range(20, 460, 14):
        draw.text((16, y), "What the model looks at is not what it needs, " * 2, fill=(20, 20, 20))
    if banner:
        draw.rectangle((0, 0, 640, 40), fill=(30, 90, 200))
    return np.asarray(image)


def drawing() -> NDArray[np.uint8]:
    """A house of thick lines and one colour on white."""
    image = Image.new("RGB", (400, 300), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.polygon([(100, 150), (200, 60), (300, 150)], fill=(200, 40, 40), outline=(0, 0, 0))
    draw.rectangle((120, 150, 280, 280), outline=(0, 0, 0), width=5)
    return np.asarray(image)


def of_one_colour(colour: tuple[int, int, int], size: tuple[int, int] = (90, 120)) -> np.ndarray:
    return np.full((*size, 3), colour, dtype=np.uint8)


NOISE = np.random.default_rng(0).integers(0, 256, (128, 160, 3), dtype=np.uint8)
STRANGE = {
    "white noise": NOISE,
    "grey noise": np.repeat(NOISE[..., :1], 3, axis=2),
    "page of text": page((255, 255, 255)),
    "page with a banner": page((246, 246, 240), banner=True),
    "page on the light tone": page((208, 208, 206), banner=True),
    "drawing": drawing(),
    "white": of_one_colour((255, 255, 255)),
    "the light tone and nothing on it": of_one_colour((208, 208, 206)),
    "one pixel": of_one_colour((112, 134, 156), (1, 1)),
    "a strip": NOISE[:1],
    "a scene without its colours": np.repeat(render_scene(HELD_OUT[0]).image[..., 1:2], 3, axis=2),
    "a green backdrop": np.where(
        render_scene(HELD_OUT[0]).objects[0].mask[..., None], 200, [60, 170, 60]
    ).astype(np.uint8),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_scene(name: str) -> None:
    assert not declared().holds(STRANGE[name])


def test_the_embedded_models_declare_one_world_and_what_to_use_instead() -> None:
    llava = declared("tiny-llava")
    for name in EMBEDDED:
        other = declared(name)
        assert name.split("-")[1] in other.instead
        assert {**llava.to_record(), "instead": ""} == {**other.to_record(), "instead": ""}


def test_crowded_scenes_are_of_that_world() -> None:
    scenes = [render_scene(seed, CROWD.scenes) for seed in HELD_OUT[30_000:30_040]]
    assert all(declared("tiny-llava-crowd").holds(scene.image) for scene in scenes)


def test_a_backdrop_is_measured() -> None:
    pixels = of_one_colour((100, 110, 120), (40, 50)).astype(int)
    pixels[:10] = (210, 40, 40)  # a quarter of another hue
    pixels[10:25] += 30  # brighter, of the same hue
    pixels[39] = (100, 110, 132)  # a little off: 12 levels
    backdrop = Backdrop.of(pixels.astype(np.uint8))
    assert backdrop.share == pytest.approx(29 / 40)
    bright = 15 / 29
    assert backdrop.colour == pytest.approx([c + 30 * bright for c in (100, 110, 120)])
    assert backdrop.relief == pytest.approx(30 * (bright * (1 - bright)) ** 0.5)
    # the rim: rows of 50, columns of 40; rows 0 to 9 are of the other hue, the last is near enough
    assert backdrop.broken == pytest.approx((50 + 2 * 10) / (2 * 50 + 2 * 40))


def test_hue_and_brightness_are_held_against_a_tone_by_themselves() -> None:
    backdrop = Backdrop(0.8, (120.0, 130.0, 140.0), 0.0, 0.0)
    assert backdrop.off((100, 110, 120)) == (0.0, 20.0)
    assert backdrop.off((120, 140, 130)) == (20.0, 0.0)
    assert backdrop.off((130, 130, 130)) == (10.0, 0.0)


@pytest.mark.parametrize("name", ["share", "hue", "brightness", "relief", "broken"])
def test_every_limit_counts(name: str) -> None:
    world = declared()
    scene = render_scene(HELD_OUT[1]).image
    assert world.holds(scene)
    tight = (0.999, 1.0) if name == "share" else -1.0
    assert not World.of_record({**world.to_record(), name: tight}, "m").holds(scene)


def test_large_pictures_are_looked_at_on_a_grid() -> None:
    scene = render_scene(HELD_OUT[2]).image
    huge = np.kron(scene, np.ones((16, 16, 1), np.uint8))
    small, large = Backdrop.of(scene), Backdrop.of(huge)
    assert large.share == pytest.approx(small.share, abs=0.02)
    assert declared().holds(huge)


@pytest.mark.parametrize(
    "change",
    [{"share": 3}, {"share": [0.1]}, {"tones": [[1, 2]]}, {"hue": "red"}, {"relief": None}],
)
def test_a_world_that_cannot_be_read_is_refused(change: dict[str, object]) -> None:
    record = {**declared().to_record(), **change}
    with pytest.raises(ModelLoadError, match=r"vlmscope\.json of my-model .*take 'world' out"):
        World.of_record(record, "my-model")
    with pytest.raises(ModelLoadError):
        World.of_record([], "my-model")
