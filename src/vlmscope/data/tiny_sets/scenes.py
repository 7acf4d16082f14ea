"""Scenes with what can be said of them: one object, several, or none."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vlmscope.tiny import Scene, render_scene
from vlmscope.tiny.world.expressions import absent, refer
from vlmscope.tiny.world.phrases import Phrase, resolve
from vlmscope.tiny.world.splits import HELD_OUT, SELECT
from vlmscope.tiny.world.words import COLOURS, SHAPES

__all__ = [
    "MOST_IMAGES",
    "Said",
    "nothing_like",
    "rectangles",
    "said_of",
    "scenes_of",
    "several_or_none",
]

MOST_IMAGES = 1_000
"""How many images a split may have."""

_FIRST = 10_000  # seeds before it are those of the data set tiny-scenes
_PLACES: Mapping[str, int] = MappingProxyType({"val": 0, "test": 1, "testA": 1, "testB": 2})
_PHRASES = 3  # of an object, at most
_TRIES = 12


@dataclass(frozen=True)
class Said:
    """Sentences that mean the same objects of a scene.

    Attributes:
        objects: their indices; none for what is absent.
        texts: the sentences, no two alike.
    """

    objects: tuple[int, ...]
    texts: tuple[str, ...]


def scenes_of(split: str, images: int) -> Iterator[Scene]:
    """The scenes of a split: train from those kept for choosing, others from those for reporting."""
    if split == "train":
        seeds = SELECT[_FIRST : _FIRST + images]
    else:
        first = _FIRST + MOST_IMAGES * _PLACES[split]
        seeds = HELD_OUT[first : first + images]
    return map(render_scene, seeds)


def said_of(scene: Scene, unsaid: Collection[str] = ()) -> list[Said]:
    """For every object that a phrase tells from the others, up to three phrases.

    Args:
        scene: the scene.
        unsaid: what no phrase mentions, such as ``place``.
    """
    groups = []
    for index in range(len(scene.objects)):
        rng = random.Random(f"vlmscope-tiny-set:{scene.seed}:{index}")
        phrases = [refer(scene, index, rng, unsaid) for _ in range(_TRIES)]
        texts = dict.fromkeys(phrase.text() for phrase in phrases if phrase is not None)
        if texts:
            groups.append(Said((index,), tuple(texts)[:_PHRASES]))
    return groups


def several_or_none(scene: Scene) -> list[Said]:
    """A sentence for each colour or shape that several objects have, and one of what is absent."""
    phrases = [Phrase(colour=each) for each in COLOURS] + [Phrase(shape=each) for each in SHAPES]
    meant = [(phrase, resolve(phrase, scene)) for phrase in phrases]
    groups = [
        Said(objects, (f"every {phrase.text(article='')}",))
        for phrase, objects in meant
        if len(objects) > 1
    ]
    return [*groups, *nothing_like(scene)]


def nothing_like(scene: Scene) -> list[Said]:
    """A sentence of what is absent, one word away from an object that is there; perhaps none."""
    rng = random.Random(f"vlmscope-tiny-set:{scene.seed}:absent")
    nothing = next((each for _ in range(_TRIES) if (each := absent(scene, rng)) is not None), None)
    return [] if nothing is None else [Said((), (nothing.text(),))]


def rectangles(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """A mask as rectangles (x0, y0, x1, y1) that do not overlap, far edges exclusive."""
    open_runs: dict[tuple[int, int], int] = {}
    done = []
    for column in range(mask.shape[1] + 1):
        runs = set(_runs(mask[:, column])) if column < mask.shape[1] else set()
        for run in [run for run in open_runs if run not in runs]:
            done.append((open_runs.pop(run), run[0], column, run[1]))
        for run in sorted(runs):
            open_runs.setdefault(run, column)
    return done


def _runs(column: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], column.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield int(start), int(end)
