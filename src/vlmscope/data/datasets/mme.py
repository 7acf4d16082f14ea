"""MME: pictures with two questions each, one answered yes and one no, in a folder per category.

A category has its questions beside its pictures (``count/000000006040.txt``, ``.jpg``) or in folders
of their own (``scene/questions_answers_YN/``, ``scene/images/``). A line is a question, a tab, Yes or No.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.asked import Asked
from vlmscope.data.datasets.asked_set import AskingSet
from vlmscope.data.datasets.base import DatasetSource, EvalSample, Part, Skipped
from vlmscope.data.datasets.counts import Counts, Expected, check_counts, expected_counts
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import open_image
from vlmscope.data.questions import Question
from vlmscope.data.text_files import TextFile
from vlmscope.errors import BadOptionError, BadPhraseError, BadSampleError
from vlmscope.io import is_file, is_folder, missing_file, shown_path
from vlmscope.metrics.mme import COGNITION, PERCEPTION
from vlmscope.options import check_number

__all__ = ["MmeKind", "MmeSet", "YesNoQuestion"]

_CATEGORIES = (*PERCEPTION, *COGNITION)
_QUESTIONS, _IMAGES = "questions_answers_YN", "images"
_INSIDE = ("", "MME_Benchmark", "MME_Benchmark_release_version")
_SUFFIXES = (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".JPEG")
_ROOM = 16  # tokens of an answer, whose first characters are read
_ANSWERS: Mapping[str, bool] = {"yes": True, "no": False}


@dataclass(frozen=True, eq=False)
class YesNoQuestion:
    """A question with what is true.

    Attributes:
        id: unique within the set: ``count/000000006040/0``.
        image_id: of its picture: ``count/000000006040``.
        category: one of the fourteen, as :class:`vlmscope.metrics.Mme` takes it.
        truth: whether yes is right.
        question: as every analysis takes it; its reference is ``yes`` or ``no``.
    """

    id: str
    image_id: str
    category: str
    truth: bool
    question: Question


class MmeKind:
    """Opens the folder of its categories."""

    id = "mme"
    summary = "MME: a folder per category, pictures with two questions each, answered yes and no"
    splits: tuple[str, ...] = ("test",)
    parts: tuple[Part, ...] = (
        Part(
            tuple(
                f"{inside}{'/' if inside else ''}{category}/{rest}"
                for inside in _INSIDE
                for category in ("existence", "*")
                for rest in ("*.txt", f"{_QUESTIONS}/*.txt")
            ),
            f"a folder for each category ({', '.join(_CATEGORIES)}) with a .txt per picture",
            "unpack MME_Benchmark_release_version.zip, which its authors give out",
        ),
    )

    def open(self, source: DatasetSource) -> MmeSet:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "existence/, count/ ... (MME_Benchmark)"))
        split = source.split or "test"
        if split not in self.splits:
            raise BadOptionError(f"The data set mme has the split test alone, got {split!r}.")
        expected = expected_counts(root, split, Expected())
        return MmeSet(_base(root), expected, source.partial)


@dataclass(frozen=True)
class _Listed:
    """A picture with its two questions, and whether yes is right."""

    category: str
    image: Path
    questions: tuple[tuple[str, bool], ...]


class MmeSet(AskingSet):
    """An opened MME.

    Args:
        folder: that of the categories.
        expected: how much it holds, where that is known.
        partial: take it although categories or pictures are missing.

    Raises:
        BadSampleError: no category, one that is missing, or missing pictures.
    """

    id = "mme"
    tasks: tuple[str, ...] = ("mme",)
    masks = False

    def __init__(self, folder: Path, expected: Expected, partial: bool) -> None:
        absent = [name for name in _CATEGORIES if not is_folder(folder / name)]
        _check_categories(folder, absent, partial)
        asked, problems, content = _listing(folder)
        reasons = {key: missing_file(each.image, "image file") for key, each in asked.items()}
        missing = [Skipped(key, reason) for key, reason in reasons.items() if reason is not None]
        self._asked = {key: each for key, each in asked.items() if reasons[key] is None}
        if not asked:
            first = f" The first: {problems[0].image_id}: {problems[0].reason}" if problems else ""
            raise BadSampleError(f"{folder} has no picture with two questions.{first}")
        counts = _counts(self._asked)
        short = check_counts("mme", _counts(asked), counts, expected, missing, partial, problems)
        if absent:
            short = f"{len(_CATEGORIES) - len(absent)} of {len(_CATEGORIES)} categories"
        self.image_ids: Sequence[str] = tuple(self._asked)
        self.skipped: tuple[Skipped, ...] = (*problems, *missing)
        self.words = WordList.plain(list(_ANSWERS), "the answers")
        self.digest = f"sha256:{hashlib.sha256(content + repr(counts).encode()).hexdigest()[:16]}"
        self.protocol: Mapping[str, Any] = {
            "source": f"{len(_CATEGORIES) - len(absent)} folders of pictures and questions",
            "sentences": "two questions on each image, answered yes or no; they name no objects",
            **expected.source,
            "counts": counts._asdict(),
            **({"partial": short} if short else {}),
        }

    def spread(self, limit: int | None = None) -> tuple[str, ...]:
        """Ids of pictures: all, or so many, spread evenly over the categories.

        Raises:
            BadOptionError: a limit below 1.
        """
        every = tuple(self.image_ids)
        if limit is not None:
            check_number("limit", limit, at_least=1, whole=True)
        count = len(every) if limit is None else min(limit, len(every))
        return tuple(every[place * len(every) // count] for place in range(count))

    def first(self, images: int) -> MmeSet:
        """So many pictures, spread evenly over the categories, as the same data set."""
        if images >= len(self.image_ids):
            return self
        part = copy.copy(self)
        part.image_ids = self.spread(images)
        noun = "picture" if images == 1 else "pictures"
        size = f"{images:,} of {len(self.image_ids):,} pictures (limit: {images:,} {noun})"
        lacking = self.protocol.get("partial")
        part.protocol = {**self.protocol, "partial": f"{size}; {lacking}" if lacking else size}
        return part

    def load(self, image_id: str) -> EvalSample:
        """Open a picture; its questions come with it, and nothing is looked for."""
        picture = self._asked[image_id]
        asked = tuple(
            Asked(f"{image_id}/{number}", text, truth, _ROOM, picture.category)
            for number, (text, truth) in enumerate(picture.questions)
        )
        return EvalSample(image_id, open_image(picture.image), asked=asked)

    def questions(self, image_id: str) -> tuple[YesNoQuestion, ...]:
        """Both questions on a picture, which is opened once.

        Raises:
            BadImageError: a picture that cannot be read.
        """
        asked = self._asked[image_id]
        pixels = open_image(asked.image).pixels
        both = []
        for number, (text, truth) in enumerate(asked.questions):
            place = f"{image_id}/{number}"
            reference = ("yes",) if truth else ("no",)
            question = Question(pixels, text, references=reference, place=place)
            both.append(YesNoQuestion(place, image_id, asked.category, truth, question))
        return tuple(both)


def _base(root: Path) -> Path:
    """The folder of the categories: the one given, or in it where the archive was unpacked."""
    places = [root / inside for inside in _INSIDE]
    places.append(root / _INSIDE[2] / _INSIDE[1])
    for place in places:
        if any(is_folder(place / category) for category in _CATEGORIES):
            return place
    return root


def _check_categories(folder: Path, absent: Sequence[str], partial: bool) -> None:
    if len(absent) == len(_CATEGORIES):
        raise BadSampleError(
            f"{folder} has none of MME's categories: no folder {', '.join(_CATEGORIES[:3])} ... Give "
            "the folder that holds them (MME_Benchmark) as --root."
        )
    if absent and not partial:
        raise BadSampleError(
            f"MME has {len(_CATEGORIES)} categories; {folder} lacks {', '.join(absent)}. Get them, or "
            "take what is there with --partial (partial=True)."
        )


def _listing(folder: Path) -> tuple[dict[str, _Listed], list[Skipped], bytes]:
    """Pictures by their ids, what cannot be used, and what changes with every question."""
    asked, problems = {}, []
    content = hashlib.sha256()
    for category in _CATEGORIES:
        texts = pictures = folder / category
        if is_folder(texts / _QUESTIONS) and is_folder(texts / _IMAGES):
            texts, pictures = texts / _QUESTIONS, texts / _IMAGES
        for path in sorted(texts.glob("*.txt")):
            key = f"{category}/{path.stem}"
            try:
                questions = _pair(path)
            except (BadSampleError, BadPhraseError) as error:
                problems.append(Skipped(key, str(error)))
                continue
            content.update(repr((key, questions)).encode())
            asked[key] = _Listed(category, _picture(pictures, path.stem), questions)
    return asked, problems, content.digest()


def _picture(folder: Path, stem: str) -> Path:
    places = [folder / f"{stem}{suffix}" for suffix in _SUFFIXES]
    return next((place for place in places if is_file(place)), places[0])


def _pair(path: Path) -> tuple[tuple[str, bool], ...]:
    lines = TextFile.read(path, "MME questions", "Unpack them again.").lines
    questions = tuple(_question(line, path) for line in lines if line.strip())
    if len(questions) != 2:
        raise BadSampleError(
            f"MME asks two questions on each image, {shown_path(path)} has {len(questions)}."
        )
    return questions


def _question(line: str, path: Path) -> tuple[str, bool]:
    text, _, answer = line.strip().rpartition("\t")
    truth = _ANSWERS.get(answer.strip().casefold())
    if truth is None or not text.strip():
        raise BadSampleError(
            f"A line of {shown_path(path)} is no question, tab, Yes or No: {line[:60]!r}."
        )
    return text.strip(), truth


def _counts(asked: Mapping[str, _Listed]) -> Counts:
    return Counts(len(asked), 0, sum(len(each.questions) for each in asked.values()))
