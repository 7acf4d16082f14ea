"""The folder of an export: written beside its place, and moved there when it is whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmscope.errors import OutputError
from vlmscope.io import is_there, parse_json, shown_path

__all__ = ["RECORD", "new_folder"]

RECORD = "export.json"
"""What was exported; a folder that holds it may be replaced."""


@contextmanager
def new_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """A folder beside the target that takes its place when the block succeeds.

    Raises:
        OutputError: there are files of somebody else, or the place cannot be written.
    """
    before = _replaced(target, overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
        place.chmod(0o755)  # mkdtemp's own is for nobody else
    except OSError as error:
        raise OutputError(
            f"Cannot write {shown_path(target)}: {error.strerror or error}. Choose a path you may write to."
        ) from error
    try:
        yield place
        if before:
            shutil.rmtree(target)
        elif is_there(target):
            target.rmdir()
        place.replace(target)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"Cannot write {shown_path(target)}: {error.strerror or error}."
        ) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _replaced(target: Path, overwrite: bool) -> bool:
    """Whether an earlier export lies there that is to be replaced."""
    if not is_there(target):
        return False
    if not target.is_dir():
        raise OutputError(
            f"{shown_path(target)} is a file, and a folder is written. Name a folder."
        )
    if not any(target.iterdir()):
        return False
    if not _is_export(target):
        raise OutputError(
            f"{shown_path(target)} holds files, and none of an earlier export. Choose a new folder."
        )
    if not overwrite:
        raise OutputError(
            f"{shown_path(target)} holds an earlier export. Choose a new folder, or --overwrite it."
        )
    return True


def _is_export(folder: Path) -> bool:
    try:
        record = parse_json((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and {"vlmscope", "format"} <= set(record)
