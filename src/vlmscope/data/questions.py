"""Questions about images: what every analysis is run on.

A list is a JSON-lines file, one object per line: ``{"image": path, "question": text}``, perhaps with
``"answer": text`` (what the model is taken to have said), ``"references": [text, ...]`` (right answers),
``"phrase": text`` (the words for the object asked about), and ``"mask": path`` of a picture of the same
size that is not black on that object. Paths are relative to the file. ``tiny-scenes:N`` or
``tiny-scenes:N:colour`` renders N scenes of the embedded model's world and asks one question about each.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.keys import unread_keys
from vlmscope.data.row_files import ImageOpener, RowFile, SkippedRow
from vlmscope.data.rows import Row, scene_request, text_field
from vlmscope.data.shapes import check_mask_size, mask_picture
from vlmscope.errors import BadImageError, BadPhraseError, BadSampleError

__all__ = [
    "BAD_QUESTION",
    "KINDS",
    "Question",
    "QuestionFile",
    "QuestionSource",
    "as_questions",
    "read_questions",
    "scene_questions",
]

KINDS = ("colour", "texture", "shape", "size", "where")
"""Attributes that rendered scenes are asked about."""

BAD_QUESTION = (BadImageError, BadPhraseError, BadSampleError)
"""What a question can be at fault for: it is then left out, and a job goes on."""

_DEFAULT_SCENES = 100
_FIELDS = (
    ("image",),
    ("question", "text"),
    ("answer",),
    ("references", "reference"),
    ("mask",),
    ("phrase",),
)
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
        place: where the question comes from, for messages: ``line 7``, ``sample 6``.
        phrase: words for the object asked about, or None.
    """

    image: NDArray[np.uint8]
    text: str
    answer: str | None = None
    references: tuple[str, ...] = ()
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)
    place: str = ""
    phrase: str | None = None

    @property
    def digest(self) -> str:
        """A name by which a finished question is known again: of image, text and answer."""
        whole = hashlib.sha256(np.ascontiguousarray(self.image).tobytes())
        whole.update(json.dumps([self.image.shape, self.text, self.answer]).encode())
        return whole.hexdigest()[:16]

    @property
    def digest_with_references(self) -> str:
        """The same where right answers are part of what is measured."""
        if not self.references:
            return self.digest
        more = hashlib.sha256("\0".join(self.references).encode()).hexdigest()[:8]
        return f"{self.digest}-{more}"

    @property
    def digest_with_phrase(self) -> str:
        """The same where it is part of what is measured how the object is called."""
        if self.phrase is None:
            return self.digest
        return f"{self.digest}-{hashlib.sha256(self.phrase.encode()).hexdigest()[:8]}"


def as_questions(
    samples: Iterable[Any], unreadable: list[tuple[str, str]] | None = None
) -> Iterator[Question]:
    """Questions as they come: :class:`Question`, or (image, text) with perhaps an answer or a dict.

    Args:
        samples: questions; ``(image, text)``; ``(image, text, answer)``; or dicts with the keys of
            a list's rows and ``image`` anything that ``vlmscope.open_image`` takes.
        unreadable: place and reason of samples that are anything else, or whose image cannot be
            opened, are added to it; None: the first of them is raised.

    Raises:
        BadSampleError: anything else, or a row without an image or a question.
        BadImageError: an image that cannot be opened.
    """
    images = ImageOpener()
    for row, sample in enumerate(samples):
        place = f"sample {row}"
        try:
            question = _question(sample, images, place)
        except BAD_QUESTION as error:
            if unreadable is None:
                raise type(error)(f"Sample {row}: {error}") from error
            unreadable.append((place, str(error)))
            continue
        yield question


def _question(sample: Any, images: ImageOpener, place: str) -> Question:
    if isinstance(sample, Question):
        return sample
    if isinstance(sample, dict):
        return _of_record(sample, images, place)
    if isinstance(sample, tuple | list) and len(sample) in (2, 3):
        names = ("image", "question", "answer")
        return _of_record(dict(zip(names, sample, strict=False)), images, place)
    raise BadSampleError(
        "A question is a Question, (image, text), (image, text, answer) or a dict with 'image' and "
        f"'question', got {type(sample).__name__}."
    )


def _of_record(record: dict[str, Any], images: ImageOpener, place: str) -> Question:
    if record.get("image") is None:
        raise BadSampleError("A question without an image: there is nothing to look at.")
    unread_keys(record, _FIELDS)
    text, answer, references = _texts(record)
    image = images.open(record["image"]).pixels
    mask = _mask(record.get("mask"), image)
    return Question(image, text, answer, references, mask, place, _phrase(record))


def _texts(record: dict[str, Any]) -> tuple[str, str | None, tuple[str, ...]]:
    """Question, answer and references."""
    text = text_field(record, "question", "text")
    has_answer = record.get("answer") is not None
    answer = text_field(record, "answer", empty=True) if has_answer else None
    return text, answer, _references(record)


def _phrase(record: dict[str, Any]) -> str | None:
    return text_field(record, "phrase") if record.get("phrase") is not None else None


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


class QuestionSource(Protocol):
    """Questions that can be gone through again; images are opened one at a time."""

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Rows left out so far: those that cannot be read, and those whose image turned out bad."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Question]: ...


def read_questions(source: str | os.PathLike[str], *, held_out: bool = True) -> QuestionSource:
    """Open a list; images are opened when it is gone through.

    Args:
        source: a JSON-lines file, a folder that holds ``samples.jsonl``, or ``tiny-scenes[:N[:KIND]]``.
        held_out: of rendered scenes, those kept for reporting; else those kept for choosing.

    Raises:
        BadSampleError: no such list, or not one usable row in it.
        UnknownNameError: a kind of question that scenes are not asked.
    """
    request = scene_request(source, _DEFAULT_SCENES, KINDS)
    if request is not None:
        return _SceneQuestions(scene_questions(*request, held_out=held_out))
    return QuestionFile(source)


class _SceneQuestions(tuple[Question, ...]):
    """Questions about rendered scenes; none of them is ever skipped."""

    skipped: tuple[SkippedRow, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """A row whose text is in order; its image has not been opened."""

    line: int
    image: Path
    text: str
    answer: str | None
    references: tuple[str, ...]
    mask: Path | None
    phrase: str | None = None


class QuestionFile(RowFile[_Entry, Question]):
    """The usable rows of a list of questions; bad ones are left out with the reason."""

    kind = "list of questions"
    example = '{"image": ..., "question": ...}'
    fields = _FIELDS

    def _entry(self, row: Row, record: dict[str, Any]) -> _Entry:
        image = row.place(text_field(record, "image"))
        has_mask = record.get("mask") is not None
        mask = row.place(text_field(record, "mask")) if has_mask else None
        return _Entry(row.number, image, *_texts(record), mask, _phrase(record))

    def _item(self, entry: _Entry, images: ImageOpener) -> Question:
        image = images.open(entry.image).pixels
        return Question(
            image,
            entry.text,
            entry.answer,
            entry.references,
            _mask(entry.mask, image),
            f"line {entry.line}",
            entry.phrase,
        )


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
        phrase = None if exchange.phrase is None else exchange.phrase.text()
        yield Question(scene.image, exchange.prompt, None, (exchange.answer,), mask, phrase=phrase)
        made += 1
