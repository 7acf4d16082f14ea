"""The limits of the world of the embedded models, read off rendered scenes and nothing else."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.tiny.world.backgrounds import TONE_COLOURS
from vlmscope.tiny.world.layout import SceneOptions
from vlmscope.tiny.world.likeness import Backdrop, World
from vlmscope.tiny.world.scenes import render_scene
from vlmscope.tiny.world.splits import SELECT

__all__ = ["KINDS", "RENDERED", "SCALES", "handed_on", "measure_world"]

KINDS = (
    *(SceneOptions(128, 128), SceneOptions(256, 256), SceneOptions(480, 640)),
    *(SceneOptions(96, 160), SceneOptions(160, 96), SceneOptions(128, 320), SceneOptions(320, 128)),
    *(SceneOptions(64, 64), SceneOptions(counts=(5,), alike=0.95), SceneOptions(counts=(8,))),
)
"""The scenes that limits are read off: sizes, shapes, crowds."""

SCALES = (0.5, 0.75, 1.0, 1.5, 2.0)
"""What becomes of a scene's sides before someone gives it to a model."""

RENDERED = World(
    knows="rendered scenes of coloured shapes",
    instead="",
    tones=tuple(TONE_COLOURS.values()),
    share=(0.2482, 0.9939),
    hue=27.37,
    brightness=32.442,
    relief=31.968,
    broken=0.116,
)
"""What :func:`measure_world` finds; a model's card says what to use instead of it."""

_LEAST = 48  # pixels of the shorter side; in a smaller JPEG hardly a pixel keeps its hue
_QUALITY = 90  # of the worst JPEG that still counts as the scene itself
_MARGIN = 0.1  # by which limits lie beyond the scenes they were read off
_SEEDS = SELECT[1_000_000:1_008_000]


def measure_world(seeds: Iterable[int] = _SEEDS) -> World:
    """The world of rendered scenes, with limits a tenth beyond what its scenes show.

    Shares are held apart by their log odds, so that no margin reaches 0 or 1, where nothing lies
    behind the objects or nothing in front of the backdrop.

    Args:
        seeds: of scenes that neither train nor judge a model; kinds, scales and files take turns.
    """
    backdrops = [Backdrop.of(pixels) for pixels in _pictures(seeds)]
    # of the four tones it is the nearest in both that a scene was painted on
    offs = [min((backdrop.off(tone) for tone in RENDERED.tones), key=sum) for backdrop in backdrops]
    return replace(
        RENDERED,
        share=_wider([backdrop.share for backdrop in backdrops]),
        hue=_beyond(hue for hue, _ in offs),
        brightness=_beyond(brightness for _, brightness in offs),
        relief=_beyond(backdrop.relief for backdrop in backdrops),
        broken=_beyond(backdrop.broken for backdrop in backdrops),
    )


def handed_on(image: NDArray[np.uint8], scale: float, jpeg: bool) -> NDArray[np.uint8]:
    """A picture as it comes back after it was resized and saved, uint8 (height, width, 3).

    Args:
        image: uint8 (height, width, 3).
        scale: factor of both sides.
        jpeg: saved as JPEG of quality 90; False: without loss.
    """
    height, width = image.shape[:2]
    size = (round(width * scale), round(height * scale))
    picture = Image.fromarray(image)
    if scale != 1:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    if jpeg:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=_QUALITY)
        picture = Image.open(stream)
    return np.asarray(picture)


def _pictures(seeds: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
    turns = itertools.cycle(itertools.product(KINDS, SCALES, (False, True)))
    for seed, (kind, scale, jpeg) in zip(seeds, turns, strict=False):
        if scale * min(kind.height, kind.width) >= _LEAST:
            yield handed_on(render_scene(seed, kind).image, scale, jpeg)


def _beyond(values: Iterable[float]) -> float:
    return round((1 + _MARGIN) * max(values), 3)


def _wider(shares: Sequence[float]) -> tuple[float, float]:
    """Least and largest, each a tenth of the whole range of log odds farther out."""
    odds = [_log_odds(share) for share in shares]
    slack = _MARGIN * (max(odds) - min(odds))
    return round(_share(min(odds) - slack), 4), round(_share(max(odds) + slack), 4)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
