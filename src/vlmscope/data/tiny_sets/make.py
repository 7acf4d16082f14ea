"""Renders a set in one of the layouts, with a manifest of its own counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from vlmscope.data.datasets.counts import MANIFEST, Counts
from vlmscope.data.tiny_sets.chair_layout import write_chair
from vlmscope.data.tiny_sets.coco_panoptic_layout import write_coco_panoptic
from vlmscope.data.tiny_sets.groundingme_layout import write_groundingme
from vlmscope.data.tiny_sets.label_map_layouts import MAP_LAYOUTS
from vlmscope.data.tiny_sets.mme_layout import write_mme
from vlmscope.data.tiny_sets.openimages_layout import write_openimages_points
from vlmscope.data.tiny_sets.pope_layout import write_pope
from vlmscope.data.tiny_sets.reasonseg_layout import write_reasonseg
from vlmscope.data.tiny_sets.ref_l4_layout import write_ref_l4
from vlmscope.data.tiny_sets.refcoco_layout import (
    REFCOCO,
    REFCOCO_G,
    REFCOCO_PLUS,
    Flavour,
    write_grefcoco,
)
from vlmscope.data.tiny_sets.refcoco_m_layout import write_refcoco_m
from vlmscope.data.tiny_sets.refs_parquet_layout import with_images, without_images
from vlmscope.data.tiny_sets.scenes import MOST_IMAGES
from vlmscope.data.tiny_sets.screenspot_layout import write_screenspot
from vlmscope.errors import BadOptionError, OutputError, UnknownNameError
from vlmscope.io import write_json
from vlmscope.version import __version__

__all__ = ["LAYOUTS", "Layout", "make_tiny"]

Writer = Callable[[Path, int], Mapping[str, Counts]]
"""Writes a folder with so many images of each split; split -> what it holds."""


class Layout(NamedTuple):
    """How a rendered set is written.

    Attributes:
        dataset: id of the data set that reads it.
        write: writes it.
    """

    dataset: str
    write: Writer


def _forms(dataset: str, flavour: Flavour) -> dict[str, Layout]:
    """The three in which people have RefCOCO and its kin."""
    return {
        dataset: Layout(dataset, flavour.write),
        f"{dataset}-jxu124": Layout(dataset, without_images(flavour)),
        f"{dataset}-lmms": Layout(dataset, with_images(flavour)),
    }


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "refcoco-m": Layout("refcoco-m", write_refcoco_m),
        "ref-l4": Layout("ref-l4", write_ref_l4),
        "groundingme": Layout("groundingme", write_groundingme),
        **_forms("refcoco", REFCOCO),
        **_forms("refcoco+", REFCOCO_PLUS),
        **_forms("refcocog", REFCOCO_G),
        "grefcoco": Layout("grefcoco", write_grefcoco),
        "reasonseg": Layout("reasonseg", write_reasonseg),
        "screenspot": Layout("screenspot", write_screenspot),
        "mme": Layout("mme", write_mme),
        "pope": Layout("pope", write_pope),
        "chair": Layout("chair", write_chair),
        "coco-panoptic": Layout("coco-panoptic", write_coco_panoptic),
        **{each.dataset: Layout(each.dataset, each.write) for each in MAP_LAYOUTS},
        "openimages-points": Layout("openimages-points", write_openimages_points),
    }
)
"""Name of a layout, that of its data set or of one of its forms, -> how it is written."""


def make_tiny(like: str, out: str | os.PathLike[str], images: int = 12) -> dict[str, Counts]:
    """Render a set.

    Args:
        like: the layout: id of a data set, or of one of its forms, such as ``refcoco-lmms``.
        out: a folder that is new or empty.
        images: of each split.

    Returns:
        Split -> what it holds, which is also in the folder's ``manifest.json``.

    Raises:
        UnknownNameError: another layout.
        BadOptionError: fewer than 1 image, or more than 1,000.
        OutputError: a folder that is not empty, or cannot be written.
        MissingExtraError: Parquet without pyarrow.
    """
    if like not in LAYOUTS:
        raise UnknownNameError("layout", like, LAYOUTS)
    if isinstance(images, bool) or not 1 <= images <= MOST_IMAGES:
        raise BadOptionError(f"images must be from 1 to {MOST_IMAGES:,}, got {images!r}.")
    folder = Path(out)
    _check_empty(folder)
    counts = dict(LAYOUTS[like].write(folder, images))
    write_json(
        folder / MANIFEST,
        {
            "like": like,
            "made by": f"vlmscope data make-tiny, version {__version__}",
            "splits": {split: held._asdict() for split, held in counts.items()},
        },
    )
    return counts


def _check_empty(folder: Path) -> None:
    """Files of an earlier, longer set would be read as part of the new one."""
    try:
        empty = not folder.exists() or not any(folder.iterdir())
    except OSError as error:
        raise OutputError(f"Cannot write into {folder}: {error.strerror or error}.") from error
    if not empty:
        raise OutputError(f"The folder {folder} is not empty. Choose a new one, or empty it.")
