"""Questions about images: what every analysis is run on.

A list is a JSON-lines file, one object per line: ``{"image": path, "question": text}``, perhaps with
``"answer": text`` (what the model is taken to have said), ``"references": [text, ...]`` (right answers),
and ``"mask": path`` of a picture of the same size that is not black on the object asked about. Paths
are relative to the file. ``tiny-scenes:N`` or ``tiny-scenes:N:colour`` renders N scenes of the embedded
model's world and asks one question about each.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.rows import Row, list_file, read_rows, scene_request, text_field
from vlmscope.data.shapes import check_mask_size, mask_picture
from vlmscope.errors import BadSampleError

__all__ = ["KINDS", "Question", "as_questions", "read_questions", "scene_questions"]

KINDS = ("colour", "texture", "shape", "size", "where")
"""Attributes that rendered scenes are asked about."""

_DEFAULT_SCENES = 100
_EXAMPLE = '{"image": ..., "question": ...}'
_DRAWS = 64  # tries to ask for an attribute before the scene is passed over


@dataclass(frozen=True, eq=False)
class Question:
    """One image and what is asked about it.

    Attributes:
        image: uint8 (height, width, 3).
        text: the question or instruction.
        answer: what the model is taken to have answered, or None: it is asked.
        references: right answers, empty where none are known.
        mask: bool (height, width) of the object asked about, or None.
    """

    image: NDArray[np.uint8]
    text: str
    answer: str | None = None
    references: tuple[str, ...] = ()
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def digest(self) -> str:
        """A name by which a finished question is known again: of image, text and answer."""
        whole = hashlib.sha256(np.ascontiguousarray(self.image).tobytes())
        whole.update(json.dumps([self.image.shape, self.text, self.answer]).encode())
        return whole.hexdigest()[:16]


def as_questions(samples: Iterable[Any]) -> Iterator[Question]:
    """Questions as they come: :class:`Question`, or (image, text) with perhaps an answer or a dict.

    Args:
        samples: questions; ``(image, text)``; ``(image, text, answer)``; or dicts with the keys of
            a list's rows and ``image`` anything that ``vlmscope.open_image`` takes.

    Raises:
        BadSampleError: anything else, or a row without an image or a question.
    """
    images = _LastImage()
    for row, sample in enumerate(samples):
        try:
            yield _question(sample, images)
        except BadSampleError as error:
            raise BadSampleError(f"Sample {row}: {error}") from error


class _LastImage:
    """Opens images; of rows in a run that name the same file only the first opens it."""

    def __init__(self) -> None:
        self._last: tuple[str, OpenedImage] | None = None

    def open(self, source: Any) -> OpenedImage:
        """As ``open_image``. Arrays and the like are not kept: they may change between rows."""
        if not isinstance(source, str | os.PathLike):
            return open_image(source)
        path = os.fspath(source)
        if self._last is None or self._last[0] != path:
            self._last = path, open_image(path)
        return self._last[1]


def _question(sample: Any, images: _LastImage) -> Question:
    if isinstance(sample, Question):
        return sample
    if isinstance(sample, dict):
        return _of_record(sample, images)
    if isinstance(sample, tuple | list) and len(sample) in (2, 3):
        names = ("image", "question", "answer")
        return _of_record(dict(zip(names, sample, strict=False)), images)
    raise BadSampleError(
        "A question is a Question, (image, text), (image, text, answer) or a dict with 'image' and "
        f"'question', got {type(sample).__name__}."
    )


def _of_record(record: dict[str, Any], images: _LastImage) -> Question:
    if record.get("image") is None:
        raise BadSampleError("A question without an image: there is nothing to look at.")
    text = text_field(record, "question", "text")
    has_answer = record.get("answer") is not None
    answer = text_field(record, "answer", empty=True) if has_answer else None
    image = images.open(record["image"]).pixels
    return Question(image, text, answer, _references(record), _mask(record.get("mask"), image))


def _references(record: dict[str, Any]) -> tuple[str, ...]:
    value = record.get("references", record.get("reference", ()))
    if value is None:
        return ()
    texts = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if not all(isinstance(text, str) for text in texts):
        raise BadSampleError(f"References are texts, got {texts!r}.")
    return tuple(texts)


def _mask(source: Any, image: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    height, width = image.shape[:2]
    if source is None:
        return None
    if isinstance(source, np.ndarray) and source.dtype == bool:
        check_mask_size(source, (height, width), "of the question")
        return source
    return mask_picture(source, (height, width))


def read_questions(
    source: str | os.PathLike[str], *, held_out: bool = True
) -> list[dict[str, Any]] | list[Question]:
    """Open a list; images are opened when :func:`as_questions` comes to them.

    Args:
        source: a JSON-lines file, a folder that holds ``samples.jsonl``, or ``tiny-scenes[:N[:KIND]]``.
        held_out: of rendered scenes, those kept for reporting; else those kept for choosing.

    Raises:
        BadSampleError: no such list, or a row that is none.
        UnknownNameError: a kind of question that scenes are not asked.
    """
    request = scene_request(source, _DEFAULT_SCENES, KINDS)
    if request is not None:
        return list(scene_questions(*request, held_out=held_out))
    rows = [_record(row) for row in read_rows(source, "list of questions", _EXAMPLE)]
    if not rows:
        raise BadSampleError(
            f"The list of questions {list_file(source)} is empty. Write one {_EXAMPLE} per line."
        )
    return rows


def _record(row: Row) -> dict[str, Any]:
    try:
        record = row.record()
    except BadSampleError as error:
        raise BadSampleError(f"Line {row.number} of {row.file}: {error}") from error
    places = {key: record[key] for key in ("image", "mask") if isinstance(record.get(key), str)}
    return {**record, **{key: str(row.place(written)) for key, written in places.items()}}


def scene_questions(
    count: int, kinds: Iterable[str] = KINDS, *, held_out: bool = True
) -> Iterator[Question]:
    """Render scenes and ask one question about an object of each, the kinds in turn.

    A scene that allows no question of the kind whose turn it is is passed over.

    Args:
        count: how many scenes.
        kinds: of :data:`KINDS`.
        held_out: scenes kept for reporting; else those kept for choosing.
    """
    from vlmscope.tiny import render_scene
    from vlmscope.tiny.world.language import ask
    from vlmscope.tiny.world.splits import HELD_OUT, SELECT

    wanted = tuple(kinds)
    made = 0
    for seed in HELD_OUT if held_out else SELECT:
        if made == count:
            return
        scene = render_scene(seed)
        rng = random.Random(f"vlmscope-questions:{seed}")
        # not every attribute of every scene can be asked for: the object needs a name without it
        draws = (ask(scene, wanted[made % len(wanted)], rng) for _ in range(_DRAWS))
        exchange = next((each for each in draws if each and each.target is not None), None)
        if exchange is None or exchange.target is None:
            continue
        mask = scene.objects[exchange.target].mask
        yield Question(scene.image, exchange.prompt, None, (exchange.answer,), mask)
        made += 1
