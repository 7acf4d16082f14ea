"""Rendered scenes of the embedded models' world: a data set without a download.

The first seeds of those that are kept for reporting; nothing was trained or chosen on them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vlmscope.data.datasets.base import (
    IGNORE,
    Dataset,
    DatasetSource,
    EvalSample,
    Part,
    Referent,
    Skipped,
)
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import open_image
from vlmscope.data.targets import Target

if TYPE_CHECKING:
    from vlmscope.tiny import Scene

__all__ = ["SCENES", "TinyScenes", "TinyScenesKind"]

SCENES = 400
"""How many scenes there are: a fixed set, so that figures can be compared."""

_TRIES = 40  # draws of a phrase; about one in six is of a kind that is not wanted
_FORMAT = "1"  # goes up when the same seed gives another picture or phrase


class TinyScenes:
    """The scenes, rendered one at a time.

    Every object that size, texture, colour and shape tell from the others is a target, by a short
    phrase without places and relations. The classes are colours with shapes (``red circle``).
    """

    id = "tiny-scenes"
    tasks: tuple[str, ...] = ("pointing", "segmentation", "presence", "referring")
    masks = True
    skipped: tuple[Skipped, ...] = ()

    def __init__(self) -> None:
        from vlmscope.tiny.world.splits import HELD_OUT
        from vlmscope.tiny.world.words import COLOURS, SHAPES

        labels = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
        self.words = WordList.plain(labels, "colours with shapes of vlmscope.tiny")
        self.image_ids: Sequence[str] = tuple(str(seed) for seed in HELD_OUT[:SCENES])
        content = f"{_FORMAT} {self.image_ids[0]} {len(self.image_ids)}"
        self.digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
        self.protocol: Mapping[str, Any] = {
            "source": f"rendered, seeds {self.image_ids[0]} to {self.image_ids[-1]} (held out)",
            "targets": "objects that a phrase of size, texture, colour and shape tells apart",
            "ignored pixels": "background",
        }

    def load(self, image_id: str) -> EvalSample:
        """Render one scene."""
        from vlmscope.tiny import render_scene

        scene = render_scene(int(image_id))
        labels = np.full(scene.size, IGNORE, dtype=np.int32)
        places = {label: index for index, label in enumerate(self.words.labels)}
        for item in scene.objects:
            labels[item.mask] = places[f"{item.colour} {item.shape}"]
        image = open_image(scene.image, name=f"scene {image_id}")
        return EvalSample(image_id, image, tuple(_referents(scene)), labels)


def _referents(scene: Scene) -> list[Referent]:
    found = []
    for index, item in enumerate(scene.objects):
        phrase = _phrase(scene, index)
        if phrase is not None:
            found.append(Referent(phrase, (phrase,), Target(item.box, item.mask)))
    return found


def _phrase(scene: Scene, index: int) -> str | None:
    """``small red circle``, or None for one of two objects that look alike."""
    from vlmscope.tiny.world.expressions import refer

    rng = random.Random(f"vlmscope-eval:{scene.seed}:{index}")
    for _ in range(_TRIES):
        phrase = refer(scene, index, rng, ("place",))
        if phrase is not None and phrase.extreme is None and phrase.relation is None:
            return phrase.text(article="")
    return None


class TinyScenesKind:
    """Opens the rendered scenes."""

    id = TinyScenes.id
    summary = f"{SCENES} rendered scenes of the embedded models' world, held out from training"
    splits: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "root", "words", "split")
        return TinyScenes()
