"""Referring expressions: images with sentences, and for each sentence what it means.

A reader of a layout makes a :class:`Listing`: texts, boxes and how masks are drawn. Images are opened
and masks drawn one image at a time, when its turn comes; all sentences of an image come together.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.coco_masks import MaskSource
from vlmscope.data.datasets.base import NOWHERE, EvalSample, Referent, Skipped
from vlmscope.data.datasets.counts import Counts, Expected, check_counts, part_of
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.shapes import check_box_inside, check_mask_size
from vlmscope.data.targets import Target
from vlmscope.errors import BadSampleError
from vlmscope.io import missing_file
from vlmscope.types import Box, tight_box

__all__ = ["Listing", "Picture", "ReferringSet", "Region", "Sentence"]


@dataclass(frozen=True, eq=False)
class Region:
    """An object as a listing writes it.

    Attributes:
        box: xyxy float pixels; None: the tight one of the mask.
        draw: draws the mask; None: there is none.
    """

    box: Box | None
    draw: MaskSource | None = None


@dataclass(frozen=True, eq=False)
class Sentence:
    """What is said of an image.

    Attributes:
        id: unique within the split.
        text: as it is written; a set strips it, and leaves out what is no text or empty.
        regions: the objects it means; empty: the image holds nothing of the kind.
        object: id of what is meant; several sentences may mean the same.
        tags: what scores may be split by.
        ignore: draws the pixels that count for nothing.
    """

    id: str
    text: Any
    regions: tuple[Region, ...]
    object: str
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ignore: MaskSource | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """An image with its sentences.

    Attributes:
        id: unique within the split.
        source: its file, or what opens it.
        sentences: in the order of the listing.
        size: (height, width) that the listing says, or None.
    """

    id: str
    source: Path | Callable[[], OpenedImage]
    sentences: tuple[Sentence, ...]
    size: tuple[int, int] | None = None

    def open(self) -> OpenedImage:
        """Decode it.

        Raises:
            BadImageError: a picture that cannot be read.
            BadSampleError: of another size than the listing says.
        """
        image = open_image(self.source) if isinstance(self.source, Path) else self.source()
        if self.size is not None and image.size != self.size:
            turned = f" ({', '.join(image.notes)})" if image.notes else ""
            raise BadSampleError(
                f"The image {image.name} is {image.size[0]}x{image.size[1]} (height x width){turned}, "
                f"the listing says {self.size[0]}x{self.size[1]}."
            )
        return image


@dataclass(frozen=True, eq=False)
class Listing:
    """What a reader found.

    Attributes:
        name: the set and its split, for messages: ``refcoco val``.
        pictures: in the order of evaluation.
        content: changes when what is true changes; the digest is made of it.
        problems: sentences and objects that cannot be used.
        categories: names of the classes of the objects, in order.
        protocol: JSON values that a report states: files, form, conventions.
        tasks: ids of the tasks that are the set's own.
    """

    name: str
    pictures: Sequence[Picture]
    content: bytes
    problems: Sequence[Skipped] = ()
    categories: Sequence[str] = ()
    protocol: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    tasks: tuple[str, ...] = ()


class ReferringSet:
    """An opened set of referring expressions.

    Args:
        id: of its kind.
        listing: what its reader found.
        expected: how much the split holds, where that is published.
        partial: take it although it holds less.

    Raises:
        BadSampleError: no usable sentence, missing images, or other counts than expected.
    """

    def __init__(self, id: str, listing: Listing, expected: Expected, partial: bool) -> None:
        self.id = id
        kept, unfit = _usable(listing.pictures)
        there, missing = _with_images(kept)
        problems = (*listing.problems, *unfit)
        if not there and not missing:
            first = f" The first: {problems[0].image_id}: {problems[0].reason}" if problems else ""
            raise BadSampleError(f"{listing.name} has no sentence that can be used.{first}")
        self.counts = _counted(there)
        listed = _counted(kept)
        short = check_counts(
            listing.name, listed, self.counts, expected, missing, partial, problems
        )
        self._listed, self._expected = listed, expected
        self._pictures = {picture.id: picture for picture in there}
        self.image_ids: Sequence[str] = tuple(self._pictures)
        self.skipped: tuple[Skipped, ...] = (*problems, *missing)
        self.tasks: tuple[str, ...] = ("pointing", "referring", *listing.tasks, *_more_tasks(there))
        self.masks = any(region.draw is not None for region in _regions(there))
        self.words = _word_list(listing.categories)
        self.digest = _digest(listing, self.counts)
        self.protocol: Mapping[str, Any] = {
            "split": listing.name,
            **listing.protocol,
            **expected.source,
            "counts": self.counts._asdict(),
            **({"partial": short} if short else {}),
        }

    def first(self, images: int) -> ReferringSet:
        """Its first images, as the same data set.

        Where the split's size is published, ``partial`` in the protocol says how much of it they are.

        Args:
            images: how many; as many as there are, or more, is all.
        """
        if images >= len(self.image_ids):
            return self
        part = copy.copy(self)
        part.image_ids = self.image_ids[:images]
        if self._expected.numbers:
            used = _counted([self._pictures[image_id] for image_id in part.image_ids])
            size = part_of(used, self._listed, self._expected)
            part.protocol = {
                **self.protocol,
                "partial": f"{size} (limit: {images:,} {'image' if images == 1 else 'images'})",
            }
        return part

    def load(self, image_id: str) -> EvalSample:
        """Open one image and draw the masks of its sentences."""
        picture = self._pictures[image_id]
        image = picture.open()
        known: dict[Region, Target] = {}
        referents = tuple(_referent(each, image.size, known) for each in picture.sentences)
        return EvalSample(image_id, image, referents)

    def sentences(self, image_ids: Iterable[str]) -> int:
        """How many sentences some of its images have; none is opened."""
        return sum(len(self._pictures[image_id].sentences) for image_id in image_ids)


def _usable(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Skipped]]:
    """Pictures with the sentences that say something, each id once; and what was left out."""
    kept, unfit, ids = [], [], set[str]()
    for picture in pictures:
        sentences = []
        for sentence in picture.sentences:
            place = f"image {picture.id} sentence {sentence.id}"
            if not isinstance(sentence.text, str):
                got = type(sentence.text).__name__
                unfit.append(Skipped(place, f"Its text is no text, but {got}."))
                continue
            text = sentence.text.strip()
            if not text:
                unfit.append(Skipped(place, "It is empty after stripping, so it names nothing."))
            elif (flat := _flat_box(sentence)) is not None:
                unfit.append(Skipped(place, f"Its box {list(flat)} (corners) has no area."))
            elif sentence.id in ids:
                unfit.append(Skipped(place, "Its id occurs twice; the first counts."))
            else:
                ids.add(sentence.id)
                sentences.append(
                    sentence if text == sentence.text else replace(sentence, text=text)
                )
        if sentences:
            kept.append(replace(picture, sentences=tuple(sentences)))
    return kept, unfit


def _flat_box(sentence: Sentence) -> Box | None:
    """A box of it without a pixel."""
    boxes = (region.box for region in sentence.regions if region.box is not None)
    return next((box for box in boxes if box[0] >= box[2] or box[1] >= box[3]), None)


def _with_images(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Skipped]]:
    """Pictures whose files are there, and those whose are not: known before a model loads."""
    there, missing = [], []
    for picture in pictures:
        isfile = isinstance(picture.source, Path)
        reason = missing_file(picture.source, "image file") if isfile else None  # type: ignore[arg-type]
        if reason is None:
            there.append(picture)
        else:
            missing.append(Skipped(picture.id, reason))
    return there, missing


def _counted(pictures: Sequence[Picture]) -> Counts:
    objects = {sentence.object for picture in pictures for sentence in picture.sentences}
    return Counts(len(pictures), len(objects), sum(len(each.sentences) for each in pictures))


def _more_tasks(pictures: Sequence[Picture]) -> list[str]:
    """What sentences that mean nothing allow to be measured beside."""
    sentences = [sentence for picture in pictures for sentence in picture.sentences]
    if all(sentence.regions for sentence in sentences):
        return []
    drawn = all(region.draw is not None for each in sentences for region in each.regions)
    return ["absent", *(["gres"] if drawn else []), "grec"]


def _regions(pictures: Sequence[Picture]) -> Iterable[Region]:
    for picture in pictures:
        for sentence in picture.sentences:
            yield from sentence.regions


def _word_list(categories: Sequence[str]) -> WordList:
    names = list(dict.fromkeys(name for name in categories if name.strip()))
    if not names:
        return WordList.plain(["object"], "none: every sentence is its own class")
    return WordList.plain(names, "categories of the objects")


def _digest(listing: Listing, counts: Counts) -> str:
    content = hashlib.sha256(listing.content)
    content.update(f"{listing.name} {tuple(counts)}".encode())
    return f"sha256:{content.hexdigest()[:16]}"


def _referent(sentence: Sentence, size: tuple[int, int], known: dict[Region, Target]) -> Referent:
    """A sentence with its masks drawn; an object of several sentences is drawn once."""
    try:
        for region in sentence.regions:
            if region not in known:
                known[region] = _target(region, size)
        ignore = None if sentence.ignore is None else sentence.ignore(size)
    except BadSampleError as error:
        raise BadSampleError(f"Sentence {sentence.id}: {error}") from error
    instances = tuple(known[region] for region in sentence.regions)
    return Referent(
        sentence.text,
        (sentence.text,),
        _together(instances),
        id=sentence.id,
        instances=instances,
        absent=not instances,
        ignore=ignore,
        tags=sentence.tags,
    )


def _target(region: Region, size: tuple[int, int]) -> Target:
    mask = None if region.draw is None else region.draw(size)
    if mask is not None:
        check_mask_size(mask, size)
    box = region.box
    if mask is not None and not mask.any():
        raise BadSampleError("Its mask is empty, so it names no object.")
    if box is None:
        box = None if mask is None else tight_box(mask)
    if box is None:
        raise BadSampleError("It has neither box nor mask, so nothing can be measured on it.")
    check_box_inside(box, size)
    return Target(box, mask)


def _together(targets: Sequence[Target]) -> Target:
    """All instances as one: the box around them, and their masks together where all have one."""
    if not targets:
        return NOWHERE
    if len(targets) == 1:
        return targets[0]
    sides = np.array([target.box for target in targets])
    low, high = sides[:, :2].min(axis=0), sides[:, 2:].max(axis=0)
    masks = [target.mask for target in targets if target.mask is not None]
    mask: NDArray[np.bool_] | None = None
    if len(masks) == len(targets):
        mask = np.logical_or.reduce(masks)
    return Target((float(low[0]), float(low[1]), float(high[0]), float(high[1])), mask)
