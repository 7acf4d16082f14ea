"""Renders a set in one of the layouts, with a manifest of its own counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from vlmscope.data.datasets.counts import MANIFEST, Counts
from vlmscope.data.tiny_sets.label_map_layouts import MAP_LAYOUTS
from vlmscope.data.tiny_sets.mme_layout import write_mme
from vlmscope.data.tiny_sets.openimages_layout import write_openimages_points
from vlmscope.data.tiny_sets.reasonseg_layout import write_reasonseg
from vlmscope.data.tiny_sets.refcoco_layout import write_grefcoco, write_refcoco
from vlmscope.data.tiny_sets.refcoco_m_layout import write_refcoco_m
from vlmscope.data.tiny_sets.scenes import MOST_IMAGES
from vlmscope.data.tiny_sets.screenspot_layout import write_screenspot
from vlmscope.errors import BadOptionError, OutputError, UnknownNameError
from vlmscope.io import write_json
from vlmscope.version import __version__

__all__ = ["LAYOUTS", "make_tiny"]

Writer = Callable[[Path, int], Mapping[str, Counts]]

LAYOUTS: Mapping[str, Writer] = MappingProxyType(
    {
        "refcoco-m": write_refcoco_m,
        "refcoco": write_refcoco,
        "grefcoco": write_grefcoco,
        "reasonseg": write_reasonseg,
        "screenspot": write_screenspot,
        "mme": write_mme,
        **{layout.dataset: layout.write for layout in MAP_LAYOUTS},
        "openimages-points": write_openimages_points,
    }
)
"""Id of a data set -> what writes a folder in its layout: (folder, images per split) -> counts."""


def make_tiny(like: str, out: str | os.PathLike[str], images: int = 12) -> dict[str, Counts]:
    """Render a set.

    Args:
        like: the data set whose layout it has.
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
    counts = dict(LAYOUTS[like](folder, images))
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
