"""Images with referring expressions and their exact masks: a data set without a download."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vlmscope.tiny.world.expressions import refer
from vlmscope.tiny.world.layout import SceneOptions
from vlmscope.tiny.world.scenes import render_scene
from vlmscope.tiny.world.settings import PLAIN, Setting

__all__ = ["ReferringSample", "every_referring_sample", "referring_samples"]

_TRIES = 16  # phrases that are tried for an object


class ReferringSample(NamedTuple):
    """One image and one phrase that fits exactly one of its objects.

    Attributes:
        image: uint8 (height, width, 3).
        phrase: for example ``the small striped circle``.
        mask: bool (height, width), the object.
        box: xyxy float pixels, tight around the mask, far edges exclusive.
    """

    image: NDArray[np.uint8]
    phrase: str
    mask: NDArray[np.bool_]
    box: tuple[float, float, float, float]


def referring_samples(
    seeds: Iterable[int], options: SceneOptions | None = None, setting: Setting = PLAIN
) -> Iterator[ReferringSample]:
    """One sample for each seed; see ``vlmscope.tiny.world.splits`` for which seeds are for what.

    The same seed, options and setting give the same sample.

    Args:
        seeds: of the scenes.
        options: what scenes look like, in place of the setting's.
        setting: how objects are spoken of.
    """
    for seed in seeds:
        scene = render_scene(seed, options or setting.scenes)
        rng = random.Random(f"vlmscope-referring:{seed}")
        while True:
            target = rng.randrange(len(scene.objects))
            phrase = refer(scene, target, rng, weights=setting.phrases)
            if phrase is not None:
                item = scene.objects[target]
                yield ReferringSample(scene.image, phrase.text(), item.mask, item.box)
                break


def every_referring_sample(
    seed: int, options: SceneOptions | None = None, setting: Setting = PLAIN
) -> Iterator[ReferringSample]:
    """A sample for each object of a scene that a phrase tells from the others."""
    scene = render_scene(seed, options or setting.scenes)
    for target, item in enumerate(scene.objects):
        rng = random.Random(f"vlmscope-referring:{seed}:{target}")
        draws = (refer(scene, target, rng, weights=setting.phrases) for _ in range(_TRIES))
        phrase = next((each for each in draws if each), None)
        if phrase is not None:
            yield ReferringSample(scene.image, phrase.text(), item.mask, item.box)
