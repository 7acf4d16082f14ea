"""The images that are described: which of a folder's, and where the things in them are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.knockout import ObjectWords
from vlmscope.analysis.knockout.objects import LISTS
from vlmscope.data.datasets import Dataset, EvalSample, open_dataset
from vlmscope.data.questions import Question
from vlmscope.errors import BadImageError, BadOptionError, BadSampleError
from vlmscope.io import is_file
from vlmscope.reproduce.whats_in_the_image.paper import COCO, IMAGES

__all__ = ["Described", "object_words", "open_images", "set_name", "spread"]


def open_images(root: str | os.PathLike[str], split: str | None = None) -> Dataset:
    """A folder of COCO's: panoptic where it holds ``panoptic.json``, else instances.

    Args:
        root: the folder.
        split: of instances: ``val2017`` finds ``annotations/instances_val2017.json``.

    Raises:
        BadOptionError: a split of a panoptic folder, which has none.
        BadSampleError: a folder that is missing, damaged or neither.
    """
    if is_file(Path(root) / "panoptic.json"):
        return open_dataset("coco-panoptic", root, split=split)
    try:
        return open_dataset("coco-json", root, split=split, partial=True)
    except BadSampleError as error:
        raise BadSampleError(
            f"{error} (There is no panoptic.json either, with panoptic/ and images/ beside it.)"
        ) from error


def object_words(data: Dataset, source: str | os.PathLike[str] | None = None) -> ObjectWords:
    """The words that objects are known by.

    Args:
        data: the images.
        source: a list that ships, or a file; None: the one that knows most of the categories.

    Raises:
        BadOptionError: a file that cannot be read, or no list that knows any category.
    """
    if source is not None:
        return ObjectWords.read(source)
    labels = set(data.words.labels)
    lists = [ObjectWords.read(name) for name in LISTS]
    best = max(lists, key=lambda words: len(words.objects & labels))
    if not best.objects & labels:
        raise BadOptionError(
            f"No list that ships names one of the {len(labels)} categories of {data.id} "
            f"({', '.join(sorted(labels)[:5])} ...). Give a list of your own as --objects FILE."
        )
    return best


def spread(data: Dataset, limit: int | None = None) -> tuple[str, ...]:
    """As many images as the paper describes, spread evenly over the set; of them the first ``limit``.

    A set with fewer gives all of its images.

    Raises:
        BadOptionError: a limit below 1.
    """
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")
    every = tuple(data.image_ids)
    count = min(IMAGES, len(every))
    return tuple(every[place * len(every) // count] for place in range(count))[:limit]


def set_name(data: Dataset, words: ObjectWords) -> str:
    """:data:`COCO` where the set's categories are COCO's, else the id of its kind and what it is."""
    if "rendered" in data.protocol:
        return f"{data.id}, rendered"
    objects = ObjectWords.read(LISTS[0]).objects
    is_coco = objects <= set(data.words.labels) and words.objects >= objects
    return COCO if is_coco else f"{data.id}, not COCO's categories"


class Described:
    """Every image with the prompt, opened one at a time; those that cannot be opened are left out.

    Args:
        data: the images.
        image_ids: which of them.
        prompt: what is asked of each.
    """

    def __init__(self, data: Dataset, image_ids: Sequence[str], prompt: str) -> None:
        self._data = data
        self._ids = tuple(image_ids)
        self.prompt = prompt
        self.skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Question]:
        return (question for question, _ in self.with_truth())

    def with_truth(self) -> Iterator[tuple[Question, EvalSample]]:
        """The same with what is true of each image.

        Raises:
            BadSampleError: not one image can be used; says the first reason.
        """
        self.skipped = ()
        for image_id in self._ids:
            try:
                sample = self._data.load(image_id)
            except (BadImageError, BadSampleError) as error:
                self.skipped = (*self.skipped, f"image {image_id}: {error}")
                continue
            place = f"image {image_id}"
            yield Question(sample.image.pixels, self.prompt, place=place), sample
        if len(self.skipped) == len(self._ids):
            raise BadSampleError(
                f"None of the {len(self._ids)} images can be used. The first: {self.skipped[0]}"
            )

    def masks(self, sample: EvalSample, words: ObjectWords) -> dict[str, NDArray[np.bool_]]:
        """Where things are, all of a kind together: object of the list -> bool (height, width)."""
        if sample.labels is None:
            return _drawn_masks(sample, words)
        names = self._data.words.labels
        present = {names[index]: index for index in np.unique(sample.labels).tolist() if index >= 0}
        return {
            name: sample.labels == index for name, index in present.items() if name in words.objects
        }


def _drawn_masks(sample: EvalSample, words: ObjectWords) -> dict[str, NDArray[np.bool_]]:
    """Of annotations that each have a mask of their own; boxes alone say nothing of a pixel."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for referent in sample.referents:
        name = referent.tags.get("category", referent.label)
        mask = referent.target.mask
        if name in words.objects and mask is not None:
            masks[name] = masks[name] | mask if name in masks else mask
    return masks
