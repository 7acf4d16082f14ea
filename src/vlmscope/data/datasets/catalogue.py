"""The one place where data sets are registered."""

from __future__ import annotations

import os

from vlmscope.data.datasets.base import Dataset, DatasetKind, DatasetSource
from vlmscope.data.datasets.coco_panoptic import CocoPanopticKind
from vlmscope.data.datasets.tiny_scenes import TinyScenesKind
from vlmscope.data.datasets.words import WordList
from vlmscope.registry import Registry

__all__ = ["DATASETS", "dataset_kinds", "open_dataset"]

DATASETS: Registry[DatasetKind] = Registry("data set", (CocoPanopticKind(), TinyScenesKind()))


def dataset_kinds() -> tuple[DatasetKind, ...]:
    """All kinds of data sets."""
    return tuple(DATASETS)


def open_dataset(
    name: str,
    root: str | os.PathLike[str] | None = None,
    words: WordList | str | os.PathLike[str] | None = None,
) -> Dataset:
    """Open a data set.

    Args:
        name: its id, for example ``coco-panoptic``.
        root: its folder, where it has one.
        words: a word list or the path of one; None: what the data set calls its classes.

    Raises:
        UnknownNameError: an unknown data set, or a word list with a class that it does not have.
        BadOptionError: a root or words that are missing, or given but not taken.
        BadPhraseError: a word list that cannot be read.
        BadSampleError: a data set that is missing or damaged.
    """
    return DATASETS.get(name).open(DatasetSource(root, words))
