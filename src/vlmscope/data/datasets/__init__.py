"""Data sets: one file each, registered in ``catalogue``."""

from vlmscope.data.datasets.base import (
    IGNORE,
    Dataset,
    DatasetKind,
    DatasetSource,
    EvalSample,
    Referent,
    Skipped,
)
from vlmscope.data.datasets.catalogue import DATASETS, dataset_kinds, open_dataset
from vlmscope.data.datasets.words import Name, WordList

__all__ = [
    "DATASETS",
    "IGNORE",
    "Dataset",
    "DatasetKind",
    "DatasetSource",
    "EvalSample",
    "Name",
    "Referent",
    "Skipped",
    "WordList",
    "dataset_kinds",
    "open_dataset",
]
