"""Rendered scenes with labels and packed texts, as arrays on disk that a training run maps.

Everything a step needs is a few bytes a scene beside the image, so a whole corpus fits on a GPU.
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from tqdm import tqdm

from vlmscope.io import write_json
from vlmscope.tiny.model.tokenizer import vocabulary
from vlmscope.tiny.training.packing import pack
from vlmscope.tiny.world.language import exchanges
from vlmscope.tiny.world.scenes import Scene, render_scene
from vlmscope.tiny.world.settings import SETTINGS, Setting
from vlmscope.tiny.world.splits import TRAIN
from vlmscope.tiny.world.words import ATTRIBUTES, PATTERNS, TONES

__all__ = [
    "IGNORED",
    "MOST_OBJECTS",
    "Corpus",
    "CorpusOptions",
    "build_corpus",
    "label_scene",
    "open_corpus",
]


MOST_OBJECTS = 7

IGNORED = 255
"""Owner of a patch that an outline cuts so that neither label would be right."""

_MINE, _NOBODY = 0.3, 0.05  # share of a patch that an object covers

Labels = tuple[NDArray[np.uint8], NDArray[np.int16], NDArray[np.uint8]]

_log = logging.getLogger(__name__)

_FORMAT = 2

_CHUNK = 200  # scenes to a task of the pool


@dataclass(frozen=True)
class CorpusOptions:
    """What a corpus holds.

    Attributes:
        scenes: how many, seeds ``TRAIN[0]`` on.
        variants: different packed texts for each scene; one is used per pass over the corpus.
        text: tokens of packed text.
        canvas: edge of the square images in pixels.
        patch: edge of an image patch in pixels.
        setting: a name of ``settings.SETTINGS``, which scenes and how they are spoken of.
    """

    scenes: int = 50_000
    variants: int = 2
    text: int = 160
    canvas: int = 128
    patch: int = 8
    setting: str = "plain"


@dataclass(frozen=True, eq=False)
class Corpus:
    """The arrays of a corpus, mapped read-only.

    Attributes:
        images: uint8 (scenes, height, width, 3).
        owners: uint8 (scenes, patches): 0 background, 1.. the object that covers the patch,
            ``patches.IGNORED`` where a patch is cut by an outline.
        objects: int16 (scenes, MOST_OBJECTS, 7): size, texture, colour, shape as indices into
            ``words``, centre x, centre y and radius in pixels; -1 where there is no object.
        grounds: uint8 (scenes, 2): pattern and tone as indices.
        texts: uint8 (scenes, variants, 4, text), see ``packing.FIELDS``.
    """

    options: CorpusOptions
    images: NDArray[np.uint8]
    owners: NDArray[np.uint8]
    objects: NDArray[np.int16]
    grounds: NDArray[np.uint8]
    texts: NDArray[np.uint8]


def build_corpus(folder: Path, options: CorpusOptions, workers: int = 1) -> Corpus:
    """Render a corpus into a folder, or open the one that is there if it has the same options.

    The result does not depend on the number of workers.
    """
    marker = folder / "corpus.json"
    wanted = {"format": _FORMAT, **asdict(options)}
    if marker.exists() and json.loads(marker.read_text()) == wanted:
        return open_corpus(folder)
    marker.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (shape, kind) in _layout(options).items():
        open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape).flush()
    starts = range(0, options.scenes, _CHUNK)
    _log.info("rendering %d scenes with %d workers", options.scenes, workers)
    for _ in tqdm(_spread(folder, options, starts, workers), total=len(starts), desc="scenes"):
        pass
    write_json(marker, wanted)  # last, so that a broken build is never taken for a whole one
    return open_corpus(folder)


def open_corpus(folder: Path) -> Corpus:
    """Map the arrays of a finished corpus."""
    record = json.loads((folder / "corpus.json").read_text())
    del record["format"]
    options = CorpusOptions(**record)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _layout(options)}
    return Corpus(options, **arrays)


def _layout(options: CorpusOptions) -> dict[str, tuple[tuple[int, ...], type]]:
    count, cells = options.scenes, (options.canvas // options.patch) ** 2
    return {
        "images": ((count, options.canvas, options.canvas, 3), np.uint8),
        "owners": ((count, cells), np.uint8),
        "objects": ((count, MOST_OBJECTS, 7), np.int16),
        "grounds": ((count, 2), np.uint8),
        "texts": ((count, options.variants, 4, options.text), np.uint8),
    }


def _spread(folder: Path, options: CorpusOptions, starts: range, workers: int) -> Iterator[int]:
    if workers <= 1:
        for start in starts:
            yield _fill(folder, options, start)
        return
    with ProcessPoolExecutor(min(workers, os.cpu_count() or 1)) as pool:
        yield from pool.map(_fill, repeat(folder), repeat(options), starts)


def _fill(folder: Path, options: CorpusOptions, start: int) -> int:
    """Render one chunk into its place in the arrays; returns the number of scenes."""
    stop = min(start + _CHUNK, options.scenes)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in _layout(options)}
    table = {word: index for index, word in enumerate(vocabulary())}
    setting = SETTINGS[options.setting]
    view = replace(setting.scenes, height=options.canvas, width=options.canvas)
    for index in range(start, stop):
        scene = render_scene(TRAIN[index], view)
        arrays["images"][index] = scene.image
        labels = label_scene(scene, options.patch)
        arrays["owners"][index], arrays["objects"][index], arrays["grounds"][index] = labels
        for variant in range(options.variants):
            text = _text(scene, variant, table, options.text, setting)
            arrays["texts"][index, variant] = text
    return stop - start


def _text(
    scene: Scene, variant: int, table: dict[str, int], length: int, setting: Setting
) -> NDArray[np.uint8]:
    rng = random.Random(f"vlmscope-language:{scene.seed}:{variant}")
    return pack(exchanges(scene, rng, setting), table, length)


assert IGNORED > MOST_OBJECTS  # both live in the same array


def label_scene(scene: Scene, patch: int) -> Labels:
    """Owners, objects and background of a scene, as ``corpus.Corpus`` describes them."""
    return (
        _owners(scene, patch),
        _objects(scene),
        np.asarray([PATTERNS.index(scene.pattern), TONES.index(scene.tone)], dtype=np.uint8),
    )


def _owners(scene: Scene, patch: int) -> NDArray[np.uint8]:
    height, width = scene.size
    masks = np.stack([item.mask for item in scene.objects])
    cells = masks.reshape(len(masks), height // patch, patch, width // patch, patch)
    shares = cells.mean(axis=(2, 4)).reshape(len(masks), -1)
    best = shares.max(axis=0)
    owners = np.where(best >= _MINE, shares.argmax(axis=0) + 1, IGNORED)
    return np.where(best <= _NOBODY, 0, owners).astype(np.uint8)


def _objects(scene: Scene) -> NDArray[np.int16]:
    table = np.full((MOST_OBJECTS, 7), -1, dtype=np.int16)
    for row, item in zip(table, scene.objects, strict=False):
        words = [values.index(getattr(item, name)) for name, values in ATTRIBUTES.items()]
        row[:] = [*words, round(item.center[0]), round(item.center[1]), round(item.radius)]
    return table
