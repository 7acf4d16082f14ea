"""The one place where data sets are registered."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from vlmscope.data.datasets.ade20k import Ade20kKind
from vlmscope.data.datasets.base import Dataset, DatasetKind, DatasetSource
from vlmscope.data.datasets.chair import ChairKind
from vlmscope.data.datasets.cityscapes import CityscapesKind
from vlmscope.data.datasets.coco_json import CocoJsonKind
from vlmscope.data.datasets.coco_panoptic import CocoPanopticKind
from vlmscope.data.datasets.coco_stuff import coco_object, coco_stuff
from vlmscope.data.datasets.context import context59, context60
from vlmscope.data.datasets.grefcoco import GrefcocoKind
from vlmscope.data.datasets.groundingme import GroundingMeKind
from vlmscope.data.datasets.label_maps.class_words import VOCABULARIES, has_vocabularies
from vlmscope.data.datasets.mme import MmeKind
from vlmscope.data.datasets.openimages_points import OpenImagesPointsKind
from vlmscope.data.datasets.phrase_rows import PhraseRowsKind
from vlmscope.data.datasets.pope import PopeKind
from vlmscope.data.datasets.reasonseg import ReasonSegKind
from vlmscope.data.datasets.ref_l4 import RefL4Kind
from vlmscope.data.datasets.refcoco import refcoco_g, refcoco_plain, refcoco_plus
from vlmscope.data.datasets.refcoco_m import RefcocoMKind
from vlmscope.data.datasets.screenspot import ScreenSpotKind
from vlmscope.data.datasets.tiny_scenes import TinyScenesKind
from vlmscope.data.datasets.voc import voc20, voc21
from vlmscope.data.datasets.words import WordList
from vlmscope.data.hub_sets import fetched_set, of_address
from vlmscope.errors import BadOptionError
from vlmscope.registry import Registry

__all__ = ["DATASETS", "dataset_kinds", "open_dataset"]

DATASETS: Registry[DatasetKind] = Registry(
    "data set",
    (
        CocoPanopticKind(),
        TinyScenesKind(),
        RefcocoMKind(),
        RefL4Kind(),
        GroundingMeKind(),
        refcoco_plain,
        refcoco_plus,
        refcoco_g,
        GrefcocoKind(),
        ReasonSegKind(),
        ScreenSpotKind(),
        MmeKind(),
        PopeKind(),
        ChairKind(),
        CocoJsonKind(),
        PhraseRowsKind(),
        voc21,
        voc20,
        context60,
        context59,
        Ade20kKind(),
        coco_stuff,
        coco_object,
        CityscapesKind(),
        OpenImagesPointsKind(),
    ),
)


def dataset_kinds() -> tuple[DatasetKind, ...]:
    """All kinds of data sets."""
    return tuple(DATASETS)


def open_dataset(
    name: str,
    root: str | os.PathLike[str] | None = None,
    words: WordList | str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    partial: bool = False,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> Dataset:
    """Open a data set.

    Args:
        name: its id, for example ``coco-panoptic``.
        root: its folder, where it has one; of sets in Parquet an address of the hub will do,
            ``hf://datasets/OWNER/NAME``, perhaps with ``@REVISION``.
        words: a word list or the path of one, of sets with label maps also ``plain`` or ``field``
            (:mod:`vlmscope.data.datasets.label_maps.class_words`); None: what the data set calls its classes.
        split: a part of it, by its publishers' name; None: the usual one.
        partial: take a split that is cut short or misses images; its protocol says how much is left.
        columns: of Parquet files, a name that is expected -> the name that they have.

    Raises:
        UnknownNameError: an unknown data set, or a word list with a class that it does not have.
        BadOptionError: a root or words that are missing, or given but not taken.
        BadPhraseError: a word list that cannot be read.
        BadSampleError: a data set that is missing or damaged, or a split that is cut short.
        MissingExtraError: Parquet or polygons without the package that reads them.
    """
    kind = DATASETS.get(name)
    if isinstance(words, str) and words in VOCABULARIES and not has_vocabularies(name):
        if words != "plain":
            listed = ", ".join(each for each in DATASETS.ids if has_vocabularies(each))
            raise BadOptionError(
                f"The data set {name} has no vocabulary {words!r}; these have: {listed}. Leave it "
                "out, or give a word list."
            )
        words = None  # what such a set calls its classes is all there is
    fetched = fetched_set(root) if kind.parts else None
    if fetched is None:
        return kind.open(DatasetSource(root, words, split, partial, columns))
    with of_address(fetched):
        data = kind.open(DatasetSource(fetched.folder, words, split, partial, columns))
    data.protocol = {**data.protocol, "hub": fetched.address}
    return data
