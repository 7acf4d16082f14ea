"""Data sets: one file each, registered in ``catalogue``."""

from vlmscope.data.datasets.asked import Asked, Described
from vlmscope.data.datasets.asked_set import AskedSet, AskingSet
from vlmscope.data.datasets.base import (
    IGNORE,
    NOWHERE,
    Dataset,
    DatasetKind,
    DatasetSource,
    EvalSample,
    LabelledPoint,
    Part,
    Referent,
    Skipped,
)
from vlmscope.data.datasets.catalogue import DATASETS, dataset_kinds, open_dataset
from vlmscope.data.datasets.words import Name, WordList

__all__ = [
    "DATASETS",
    "IGNORE",
    "NOWHERE",
    "Asked",
    "AskedSet",
    "AskingSet",
    "Dataset",
    "DatasetKind",
    "DatasetSource",
    "Described",
    "EvalSample",
    "LabelledPoint",
    "Name",
    "Part",
    "Referent",
    "Skipped",
    "WordList",
    "dataset_kinds",
    "open_dataset",
]
