"""Scenes as MME has its pictures: a folder per category, two questions on each picture.

Existence, count, position and color are asked of the scene. What the other categories ask for, no
scene shows (posters, celebrities, code): their folders are there, and ask for existence.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.io import atomic_path, write_text
from vlmscope.metrics.mme import COGNITION, PERCEPTION
from vlmscope.tiny import Scene
from vlmscope.tiny.world.phrases import Phrase, resolve
from vlmscope.tiny.world.words import COLOURS, PLACES, SHAPES

__all__ = ["asked_of", "write_mme"]

_APART = ("posters", "celebrity", "scene", "landmark", "artwork")  # pictures in their own folder
_END = "Please answer yes or no."

Pair = tuple[str, str]
"""A question whose answer is yes, and one whose answer is no."""


def write_mme(folder: Path, images: int) -> dict[str, Counts]:
    """Write the fourteen folders with as many pictures each; what they hold."""
    categories = (*PERCEPTION, *COGNITION)
    for number, scene in enumerate(scenes_of("val", images)):
        for category in categories:
            place = folder / category
            apart = category in _APART
            texts = place / "questions_answers_YN" if apart else place
            pictures = place / "images" if apart else place
            with atomic_path(pictures / f"{number:04d}.png") as path:
                Image.fromarray(scene.image).save(path, "PNG")
            right, wrong = asked_of(scene, category)
            lines = f"{right} {_END}\tYes\n{wrong} {_END}\tNo\n"
            write_text(texts / f"{number:04d}.txt", lines)
    total = images * len(categories)
    return {"test": Counts(total, 0, 2 * total)}


def asked_of(scene: Scene, category: str) -> Pair:
    """The two questions of a category on a scene, without the request for yes or no."""
    rng = random.Random(f"vlmscope-tiny-mme:{scene.seed}:{category}")
    return _ASKED.get(category, _existence)(scene, rng)


def _existence(scene: Scene, rng: random.Random) -> Pair:
    every = [Phrase(colour=colour, shape=shape) for colour in COLOURS for shape in SHAPES]
    return _present_and_absent(scene, every, rng)


def _colour(scene: Scene, rng: random.Random) -> Pair:
    return _present_and_absent(scene, [Phrase(colour=colour) for colour in COLOURS], rng)


def _present_and_absent(scene: Scene, phrases: list[Phrase], rng: random.Random) -> Pair:
    chosen = [
        rng.choice([each for each in phrases if bool(resolve(each, scene)) is present])
        for present in (True, False)
    ]
    right, wrong = (f"Is there {phrase.text('a')} in this image?" for phrase in chosen)
    return right, wrong


def _count(scene: Scene, rng: random.Random) -> Pair:
    number = len(scene.objects)
    wrong = rng.choice([count for count in (number - 1, number + 1) if count > 0])
    return tuple(f"Is the number of objects in this image {n}?" for n in (number, wrong))  # type: ignore[return-value]


def _position(scene: Scene, rng: random.Random) -> Pair:
    """Of one object its ninth of the picture, and a ninth in which none of its description lies."""
    item = rng.choice(scene.objects)
    same = {each.position for each in scene.objects if each.description() == item.description()}
    other = rng.choice([place for place in PLACES if place not in same])
    name = f"{item.description()} centred in the"
    return f"Is there a {name} {item.position} ninth?", f"Is there a {name} {other} ninth?"


_ASKED: Mapping[str, Callable[[Scene, random.Random], Pair]] = MappingProxyType(
    {"count": _count, "position": _position, "color": _colour}
)
