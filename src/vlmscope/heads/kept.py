"""Heads that were discovered on this machine, kept under the fingerprint of the weights they belong to."""

from __future__ import annotations

import re
from pathlib import Path

from vlmscope.errors import BadHeadSetError
from vlmscope.io import home_folder
from vlmscope.models import LoadedModel
from vlmscope.types import HeadSet

__all__ = ["keep", "kept_folder", "kept_for"]


def kept_folder() -> Path:
    """Where kept heads lie: ``heads`` in ``$VLMSCOPE_HOME``, else where this system keeps data of users."""
    return home_folder() / "heads"


def keep(heads: HeadSet) -> Path:
    """Keep a set for later calls on the same weights, in place of one that was kept before; its path.

    Raises:
        BadHeadSetError: the weights of its model have no fingerprint.
        OutputError: a place that cannot be written.
    """
    if heads.revision is None:
        raise BadHeadSetError(
            f"The weights of {heads.model} have no fingerprint, so heads cannot be kept for them. "
            "Save them, and name the file in later calls: --out heads.json, heads='heads.json'."
        )
    path = _path(heads.revision)
    heads.save(path)
    return path


def kept_for(model: LoadedModel) -> HeadSet | None:
    """The set that was kept for these weights, or None.

    Raises:
        BadHeadSetError: a file that is there and cannot be read.
    """
    if model.revision is None:
        return None
    path = _path(model.revision)
    return HeadSet.load(path) if path.is_file() else None


def _path(fingerprint: str) -> Path:
    return kept_folder() / f"{re.sub(r'[^0-9A-Za-z]+', '-', fingerprint)}.json"
