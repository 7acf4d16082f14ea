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
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.images import open_image
from vlmscope.errors import BadSampleError, UnknownNameError

__all__ = ["KINDS", "Question", "as_questions", "read_questions", "scene_questions"]

KINDS = ("colour", "texture", "shape", "size", "where")
"""Attributes that rendered scenes are asked about."""

_SCENES = "tiny-scenes"
_DEFAULT_SCENES = 100
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
    for row, sample in enumerate(samples):
        try:
            yield _question(sample)
        except BadSampleError as error:
            raise BadSampleError(f"Sample {row}: {error}") from error


def _question(sample: Any) -> Question:
    if isinstance(sample, Question):
        return sample
    if isinstance(sample, dict):
        return _of_record(sample)
    if isinstance(sample, tuple | list) and len(sample) in (2, 3):
        names = ("image", "question", "answer")
        return _of_record(dict(zip(names, sample, strict=False)))
    raise BadSampleError(
        "A question is a Question, (image, text), (image, text, answer) or a dict with 'image' and "
        f"'question', got {type(sample).__name__}."
    )


def read_questions(
    source: str | os.PathLike[str], *, held_out: bool = True
) -> list[dict[str, Any]] | list[Question]:
    """Open a list; images are opened when :func:`as_questions` comes to them.

    Args:
        source: a JSON-lines file, or ``tiny-scenes[:N[:KIND]]``.
        held_out: of rendered scenes, those kept for reporting; else those kept for choosing.

    Raises:
        BadSampleError: no such list, or a row that is none.
        UnknownNameError: a kind of question that scenes are not asked.
    """
    text = os.fspath(source)
    if text == _SCENES or text.startswith(f"{_SCENES}:"):
        return list(scene_questions(*_scene_request(text), held_out=held_out))
    path = Path(text)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadSampleError(
            f"Cannot read the list of questions {path}: {reason}. Give a JSON-lines file with one "
            f'{{"image": ..., "question": ...}} per line, or {_SCENES}:N.'
        ) from error
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise BadSampleError(f"The list of questions {path} is empty.")
    return rows


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadSampleError(f"Line {number} of {path} is not JSON ({error.msg}).") from error
    if not isinstance(record, dict):
        raise BadSampleError(
            f"Line {number} of {path} is a {type(record).__name__}, not an object."
        )
    for key in ("image", "mask"):
        if isinstance(record.get(key), str):
            record[key] = str(path.parent / record[key])
    return record


def _of_record(record: dict[str, Any]) -> Question:
    if record.get("image") is None:
        raise BadSampleError("A question without an image: there is nothing to look at.")
    text = record.get("question", record.get("text"))
    if not isinstance(text, str) or not text.strip():
        raise BadSampleError(f"The question must be a text, got {text!r}.")
    answer = record.get("answer")
    if answer is not None and not isinstance(answer, str):
        raise BadSampleError(f"The answer must be a text, got {type(answer).__name__}.")
    image = open_image(record["image"]).pixels
    return Question(image, text, answer, _references(record), _mask(record.get("mask"), image))


def _references(record: dict[str, Any]) -> tuple[str, ...]:
    given = record.get("references", record.get("reference", ()))
    listed = [given] if isinstance(given, str) else list(given or ())
    if not all(isinstance(each, str) for each in listed):
        raise BadSampleError(f"References are texts, got {listed!r}.")
    return tuple(listed)


def _mask(given: Any, image: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    if given is None:
        return None
    if isinstance(given, np.ndarray) and given.dtype == bool:
        mask = given
    else:
        mask = open_image(given).pixels.max(axis=2) > 0
    if mask.shape != image.shape[:2]:
        raise BadSampleError(
            f"The mask is {mask.shape[1]} wide and {mask.shape[0]} high, the image "
            f"{image.shape[1]} and {image.shape[0]}."
        )
    return mask


def _scene_request(text: str) -> tuple[int, tuple[str, ...]]:
    match = re.fullmatch(rf"{_SCENES}(?::0*([1-9]\d{{0,5}}))?(?::([a-z,]+))?", text)
    if match is None:
        raise BadSampleError(
            f"Rendered scenes are written {_SCENES}, {_SCENES}:N or {_SCENES}:N:KIND, got {text!r}."
        )
    kinds = tuple(match.group(2).split(",")) if match.group(2) else KINDS
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kind of question", kind, KINDS)
    return int(match.group(1) or _DEFAULT_SCENES), kinds


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
    found = 0
    for seed in HELD_OUT if held_out else SELECT:
        if found == count:
            return
        scene = render_scene(seed)
        rng = random.Random(f"vlmscope-questions:{seed}")
        # not every attribute of every scene can be asked for: the object needs a name without it
        draws = (ask(scene, wanted[found % len(wanted)], rng) for _ in range(_DRAWS))
        exchange = next((each for each in draws if each and each.target is not None), None)
        if exchange is None or exchange.target is None:
            continue
        mask = scene.objects[exchange.target].mask
        yield Question(scene.image, exchange.prompt, None, (exchange.answer,), mask)
        found += 1
