"""Doors of the library, called without the command line around them: each takes words and opens files
in the folder it is called in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["DOORS"]


def _image(path: str) -> None:
    import vlmscope as vs

    opened = vs.open_image(path, max_pixels=4_000_000)
    height, width = opened.size
    assert opened.pixels.shape == (height, width, 3) and opened.pixels.dtype == "uint8"


def _image_bytes(path: str) -> None:
    from pathlib import Path

    import vlmscope as vs

    vs.open_image(Path(path).read_bytes(), max_pixels=4_000_000)


def _samples(path: str) -> None:
    from vlmscope.data.sample_lists import read_samples

    _drain(read_samples(path, max_pixels=4_000_000))


def _questions(path: str) -> None:
    from vlmscope.data.questions import read_questions

    _drain(read_questions(path))


def _head_set(path: str) -> None:
    from vlmscope.io import write_json
    from vlmscope.types import HeadSet

    loaded = HeadSet.load(path)
    write_json("again.json", loaded.to_dict())
    assert HeadSet.load("again.json") == loaded


def _classes(source: str) -> None:
    from vlmscope.data.classes import ClassList

    assert len(ClassList.of(source)) >= 1


def _word_list(path: str) -> None:
    from vlmscope.data.datasets.words import WordList

    assert WordList.load(path).digest


def _object_words(path: str) -> None:
    from vlmscope.analysis.knockout import ObjectWords

    ObjectWords.read(path)


def _dataset(kind: str, words: str | None = None) -> None:
    """Every image of a data set, as the evaluation goes through it."""
    from pathlib import Path

    from vlmscope.data.datasets import open_dataset
    from vlmscope.errors import BadImageError, BadSampleError

    data = open_dataset(kind, Path(), None if words is None else Path(words))
    for image_id in data.image_ids:
        try:
            data.load(image_id)
        except (BadImageError, BadSampleError):
            continue


def _load(folder: str) -> None:
    import vlmscope as vs

    vs.load(folder)


def _drain(values: Iterable[Any]) -> None:
    deque(values, maxlen=0)


DOORS: Mapping[str, Callable[..., None]] = {
    "@image": _image,
    "@image-bytes": _image_bytes,
    "@samples": _samples,
    "@questions": _questions,
    "@heads": _head_set,
    "@classes": _classes,
    "@words": _word_list,
    "@objects": _object_words,
    "@dataset": _dataset,
    "@load": _load,
}
"""Name -> door. A door returns nothing and raises what the library raises."""
