"""CHAIR: what a description names against COCO's outlines and the five captions of each image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.asked import Asked, Described
from vlmscope.data.datasets.asked_set import VAL_FOLDERS, AskedListing, AskedPicture, AskedSet
from vlmscope.data.datasets.base import DatasetSource, Part, Skipped
from vlmscope.data.datasets.coco_instances import Instances, json_file
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.words import WordList
from vlmscope.data.text_files import TextFile
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.io import is_file

__all__ = ["QUESTION", "ChairKind"]

QUESTION = "Please describe this image in detail."
"""What is asked where the folder has no ``question.txt``."""

_SPLITS = ("val2014", "train2014", "val2017", "train2017")
_ROOM = 512  # tokens, as descriptions in detail are given


class ChairKind:
    """Opens a folder of COCO's instances and captions."""

    id = "chair"
    summary = "CHAIR: descriptions of COCO's images, held against its outlines and captions"
    splits: tuple[str, ...] = _SPLITS
    parts: tuple[Part, ...] = (
        Part(
            ("annotations/instances_*.json", "instances_*.json"),
            "annotations/instances_val2014.json: the outlines",
            "unpack COCO's annotations_trainval2014.zip",
        ),
        Part(
            ("annotations/captions_*.json", "captions_*.json"),
            "annotations/captions_val2014.json: the captions",
            "it lies in the same archive",
        ),
        Part(
            tuple(f"{folder}/*" for folder in VAL_FOLDERS[:-1]),
            "the photographs (val2014/)",
            "unpack COCO's val2014.zip into val2014/",
        ),
    )

    def open(self, source: DatasetSource) -> AskedSet:
        """Read a split; see :class:`AskedSet` for what is raised."""
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, "annotations/instances_val2014.json, captions_..."))
        split = source.split or _SPLITS[0]
        if split not in _SPLITS:
            raise BadOptionError(f"CHAIR has the splits {', '.join(_SPLITS)}, got {split!r}.")
        listing = _listing(root, split)
        return AskedSet(root, listing, expected_counts(root, split, Expected()), source.partial)


def _listing(root: Path, split: str) -> AskedListing:
    instances = Instances.load(_file(root, f"instances_{split}.json"))
    captions, digest = _captions(_file(root, f"captions_{split}.json"))
    shown: dict[int, dict[str, None]] = {}
    for annotation in instances.annotations.values():
        name = instances.category(annotation.get("category_id"))
        shown.setdefault(annotation.get("image_id", -1), {})[name] = None
    known = tuple(dict.fromkeys(instances.categories.values()))
    if not known:
        raise BadSampleError(
            f"The instances of {split} have no category, so nothing is looked for."
        )
    question = _question(root)
    pictures: dict[str, AskedPicture] = {}
    problems: list[Skipped] = []
    for number, image in instances.images.items():
        key = Path(image.name).stem
        if number not in captions:
            reason = "nobody wrote a caption of it, so what is true of it is not known."
            problems.append(Skipped(key, reason))
            continue
        truth = Described(tuple(shown.get(number, ())), tuple(captions[number]), known)
        pictures[key] = AskedPicture(
            image.name, (Asked(key, question, None, _ROOM),), described=truth
        )
    return AskedListing(
        f"chair {split}",
        "chair",
        pictures,
        WordList.plain(list(known), "category names"),
        hashlib.sha256(instances.digest + digest + question.encode()).digest(),
        tuple(problems),
        {
            "source": f"instances_{split}.json, captions_{split}.json",
            "split": split,
            "question": question,
            "sentences": "one question on each image, for a description",
        },
    )


def _file(root: Path, name: str) -> Path:
    places = [root / "annotations" / name, root / name]
    return next((place for place in places if is_file(place)), places[0])


def _captions(path: Path) -> tuple[Mapping[int, list[str]], bytes]:
    """Image id -> what people wrote."""
    content, digest = json_file(path, "COCO captions")
    rows = content.get("annotations") if isinstance(content, dict) else None
    captions: dict[int, list[str]] = {}
    for row in _rows(rows, path):
        captions.setdefault(row["image_id"], []).append(row["caption"])
    return captions, digest


def _rows(rows: Any, path: Path) -> Iterable[Mapping[str, Any]]:
    whole = isinstance(rows, list) and all(
        isinstance(row, dict)
        and isinstance(row.get("image_id"), int)
        and isinstance(row.get("caption"), str)
        for row in rows
    )
    if not whole:
        raise BadSampleError(
            f"{path} has no list 'annotations' of image_id and caption, so it holds no captions."
        )
    return rows  # type: ignore[no-any-return]


def _question(root: Path) -> str:
    """What is asked of every image: the line of ``question.txt``, else the usual sentence."""
    path = root / "question.txt"
    if not is_file(path):
        return QUESTION
    lines = TextFile.read(path, "question", "Write it in one line.").lines
    text = " ".join(line.strip() for line in lines if line.strip())
    if not text:
        raise BadSampleError(f"{path} is empty. Write the question into it, or delete it.")
    return text
