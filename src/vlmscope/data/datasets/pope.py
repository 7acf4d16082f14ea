"""POPE: is there a ... in the image, yes or no; three files of questions on the same images.

A line is ``{"question_id", "image", "text", "label"}``. The files differ in how the absent objects were
drawn: at random, the most frequent ones, or those that most often stand beside what is there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vlmscope.data.datasets.asked import Asked
from vlmscope.data.datasets.asked_set import VAL_FOLDERS, AskedListing, AskedPicture, AskedSet
from vlmscope.data.datasets.base import NOWHERE, DatasetSource, Part, Referent, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.words import WordList
from vlmscope.data.rows import Row, read_rows
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.io import is_file

__all__ = ["SPLITS", "PopeKind"]

SPLITS = ("random", "popular", "adversarial")

_PUBLISHED = Expected(
    MappingProxyType({"images": 500, "objects": 1_500, "sentences": 3_000}),
    "questions answered yes",
)
_FOLDERS = ("", "output/coco", "coco")
_NAMES = ("coco_pope_{}.json", "coco_pope_{}.jsonl", "pope_{}.jsonl")
_QUESTION = re.compile(
    r"\s*is there (an? (?P<object>.+?))(?: in (?:the|this) (?:image|picture))?\s*\??\s*",
    re.IGNORECASE,
)
_LABELS: Mapping[str, bool] = MappingProxyType({"yes": True, "no": False})
_ROOM = 32  # tokens; the first sentence is what is read


class PopeKind:
    """Opens the folder of its files."""

    id = "pope"
    summary = "POPE: is there a ... in the image? 3,000 questions on 500 images in each of 3 splits, half yes"
    splits: tuple[str, ...] = SPLITS
    parts: tuple[Part, ...] = (
        Part(
            tuple(
                f"{folder}{'/' if folder else ''}{name.format('*')}"
                for folder in _FOLDERS
                for name in _NAMES
            ),
            "coco_pope_random.json, coco_pope_popular.json, coco_pope_adversarial.json: a question "
            "per line",
            "take output/coco/ of its authors' repository",
        ),
        Part(
            tuple(
                f"{place}{folder}/*.{end}"
                for folder in VAL_FOLDERS[:-1]
                for place in ("", "../")
                for end in ("jpg", "png")
            ),
            "the photographs of COCO val2014 (val2014/)",
            "unpack COCO's val2014.zip into val2014/, in the set's folder or beside it",
        ),
    )

    def open(self, source: DatasetSource) -> AskedSet:
        """Read a split; see :class:`AskedSet` for what is raised."""
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "coco_pope_random.json ... and val2014/"))
        split = source.split or SPLITS[0]
        if split not in SPLITS:
            raise BadOptionError(f"POPE has the splits {', '.join(SPLITS)}, got {split!r}.")
        listing = _listing(_file(root, split), split)
        return AskedSet(root, listing, expected_counts(root, split, _PUBLISHED), source.partial)


@dataclass(frozen=True)
class _Line:
    """A question with the object it asks for."""

    image: str
    asked: Asked
    referent: Referent


def _file(root: Path, split: str) -> Path:
    places = [root / folder / name.format(split) for folder in _FOLDERS for name in _NAMES]
    found = next((place for place in places if is_file(place)), None)
    if found is None:
        raise BadSampleError(
            f"{root} has no questions of POPE's split {split}: no {_NAMES[0].format(split)}. Give the "
            "folder that holds it as --root."
        )
    return found


def _listing(path: Path, split: str) -> AskedListing:
    lines: dict[str, _Line] = {}
    problems: list[Skipped] = []
    for row in read_rows(path, "questions of POPE", '{"question_id": 1, "image": ..., ...}'):
        try:
            line = _line(row)
            if line.asked.id in lines:
                raise BadSampleError(f"The question_id {line.asked.id} is there twice.")
            lines[line.asked.id] = line
        except BadSampleError as error:
            problems.append(Skipped(f"line {row.number}", str(error)))
    objects = sorted({line.referent.label for line in lines.values()})
    return AskedListing(
        f"pope {split}",
        "pope",
        _pictures(lines),
        WordList.plain(objects or ["none"], "the objects asked for"),
        hashlib.sha256(path.read_bytes()).digest(),
        tuple(problems),
        {
            "source": path.name,
            "split": split,
            "sentences": "questions of yes or no, put as they are written",
        },
    )


def _pictures(lines: Mapping[str, _Line]) -> dict[str, AskedPicture]:
    grouped: dict[str, list[_Line]] = {}
    for line in lines.values():
        grouped.setdefault(line.image, []).append(line)
    return {
        Path(name).stem: AskedPicture(
            name, tuple(e.asked for e in group), tuple(e.referent for e in group)
        )
        for name, group in grouped.items()
    }


def _line(row: Row) -> _Line:
    record = row.record()
    text, name = _text(record, "text"), _text(record, "image")
    truth = _LABELS.get(_text(record, "label").casefold())
    if truth is None:
        raise BadSampleError(f"The label is {record['label']!r}, neither yes nor no.")
    match = _QUESTION.fullmatch(text)
    if match is None:
        raise BadSampleError(f"No question of POPE (Is there a ... in the image?): {text[:60]!r}.")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadSampleError(f"The image {name!r} leads out of the folder.")
    key = str(record.get("question_id", row.number))
    referent = Referent(
        match["object"],
        (match["object"],),
        NOWHERE,
        id=key,
        absent=not truth,
        tags=MappingProxyType({"phrase": match[1]}),
    )
    return _Line(name, Asked(key, text, truth, _ROOM), referent)


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise BadSampleError(f"{key!r} must be a text, got {value!r}.")
    return value.strip()
