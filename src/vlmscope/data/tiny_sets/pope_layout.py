"""Scenes as POPE has its questions: six on each picture, three of what is there and three of what is not.

Objects are colours with shapes. The absent ones are drawn at random, as the most frequent of the set,
or one word away from an object that is there.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from vlmscope.data.datasets.counts import Counts
from vlmscope.data.datasets.pope import SPLITS
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.io import atomic_path, write_text
from vlmscope.tiny import Scene
from vlmscope.tiny.world.phrases import Phrase, resolve
from vlmscope.tiny.world.words import COLOURS, SHAPES

__all__ = ["EVERY", "absent_ones", "present_ones", "write_pope"]

EVERY = tuple(Phrase(colour=colour, shape=shape) for colour in COLOURS for shape in SHAPES)
"""Every object that is asked for."""

_MOST = 3  # of each answer on an image


def write_pope(folder: Path, images: int) -> dict[str, Counts]:
    """Write the pictures and the three files of questions; what they hold."""
    scenes = list(scenes_of("val", images))
    frequent = Counter(phrase.text("") for scene in scenes for phrase in present_ones(scene))
    for number, scene in enumerate(scenes):
        with atomic_path(folder / "images" / f"{number:04d}.png") as path:
            Image.fromarray(scene.image).save(path, "PNG")
    held = {}
    for split in SPLITS:
        rows = [
            (f"{number:04d}.png", phrase, label)
            for number, scene in enumerate(scenes)
            for phrase, label in _asked(scene, split, frequent)
        ]
        lines = [_line(number, *row) for number, row in enumerate(rows, start=1)]
        write_text(folder / f"coco_pope_{split}.json", "".join(lines))
        yes = sum(label == "yes" for *_, label in rows)
        held[split] = Counts(images, yes, len(rows))
    return held


def present_ones(scene: Scene) -> list[Phrase]:
    """Objects of a scene by colour and shape, each once."""
    return [phrase for phrase in EVERY if resolve(phrase, scene)]


def absent_ones(scene: Scene, split: str, frequent: Counter[str]) -> list[Phrase]:
    """What is not there, in the order in which a split asks for it."""
    absent = [phrase for phrase in EVERY if not resolve(phrase, scene)]
    random.Random(f"vlmscope-tiny-pope:{scene.seed}").shuffle(absent)
    if split == "popular":
        return sorted(absent, key=lambda phrase: -frequent[phrase.text("")])
    if split == "adversarial":
        return sorted(absent, key=lambda phrase: -_near(phrase, scene))
    return absent


def _asked(scene: Scene, split: str, frequent: Counter[str]) -> Sequence[tuple[Phrase, str]]:
    """As many of what is there as of what is not, in turn."""
    present = present_ones(scene)[:_MOST]
    absent = absent_ones(scene, split, frequent)[: len(present)]
    return [
        pair
        for there, missing in zip(present, absent, strict=True)
        for pair in ((there, "yes"), (missing, "no"))
    ]


def _near(phrase: Phrase, scene: Scene) -> int:
    """How many objects are one word away."""
    return sum(
        (each.colour == phrase.colour) + (each.shape == phrase.shape) for each in scene.objects
    )


def _line(number: int, image: str, phrase: Phrase, label: str) -> str:
    # in the words that the embedded model was taught: it has never heard of an image
    question = f"is there {phrase.text('a')}"
    row = {"question_id": number, "image": image, "text": question, "label": label}
    return json.dumps(row) + "\n"
