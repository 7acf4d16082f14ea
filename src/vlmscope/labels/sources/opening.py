"""From what a person names to a source of images."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlmscope.data.hub_sets import fetched_set
from vlmscope.data.images import SUFFIXES
from vlmscope.errors import BadImageError, BadOptionError
from vlmscope.io import is_file, is_folder, is_there, shown_path
from vlmscope.labels.sources.base import Columns, Source
from vlmscope.labels.sources.files import FolderImages, ListedImages, MatchedImages, fixed_folder
from vlmscope.labels.sources.hub import PREFIX, DatasetImages, named_dataset
from vlmscope.labels.sources.jsonl import JsonLines
from vlmscope.labels.sources.parquet import ParquetImages
from vlmscope.labels.sources.tar import TarImages

__all__ = ["STDIN", "open_source"]

STDIN = "-"

_JSONL = (".jsonl", ".ndjson")
_PARQUET = (".parquet",)
_TAR = (".tar",)
_LIST = (".txt", ".lst")


def open_source(source: Any, columns: Columns, leave_out: Path | None = None) -> Source:
    """A source by what it is called.

    Args:
        source: a folder; a pattern; a text file with one path per line, or ``-`` for stdin; a JSON-lines
            file; Parquet files or tar archives, one or a pattern or a folder of nothing else;
            ``hf://datasets/OWNER/NAME``; ``datasets:OWNER/NAME``; in Python also a list of paths, a
            ``datasets.Dataset``, or a :class:`Source`.
        columns: what its columns are called.
        leave_out: a folder that results go to: its images do not count.

    Raises:
        BadImageError: nothing of that name, or a kind of file that is no source.
        BadSampleError: a table that cannot be read or lacks a column.
        BadOptionError: columns of a source that has none.
    """
    if isinstance(source, Source):
        return source
    if hasattr(source, "cast_column"):
        return DatasetImages.of(source, columns)
    if not isinstance(source, str | os.PathLike):
        if not isinstance(source, Sequence) or isinstance(source, bytes):
            raise BadImageError(
                f"A source is a path, a pattern or a list of paths, got {type(source).__name__}."
            )
        return _without_columns(ListedImages.of(source), columns)
    text = os.fspath(source)
    if text == STDIN:
        return _without_columns(ListedImages.of_stdin(), columns)
    if text.startswith(PREFIX):
        return named_dataset(text, columns)
    fetched = fetched_set(text)
    if fetched is not None:
        files = tuple(sorted(fetched.folder.rglob("*.parquet")))
        return ParquetImages(files, fetched.folder, columns, fetched.address)
    return _on_disk(text, columns, leave_out)


def _on_disk(text: str, columns: Columns, leave_out: Path | None) -> Source:
    path = Path(text)
    if is_folder(path):
        return _of_folder(path, columns, leave_out)
    if not is_there(path):
        return _of_pattern(text, columns)
    kind = path.suffix.lower()
    if kind in _JSONL:
        return JsonLines(path, columns)
    if kind in _PARQUET:
        return ParquetImages((path,), path.parent, columns)
    if kind in _TAR:
        return TarImages((path,), path.parent, columns)
    if kind in _LIST:
        return _without_columns(ListedImages(path.parent, path), columns)
    if kind in SUFFIXES:
        return _without_columns(ListedImages(path.parent, paths=(path.name,)), columns)
    raise BadImageError(
        f"{shown_path(path)} is no source of images. It is a folder, a pattern, a list (.txt), JSON lines "
        "(.jsonl), Parquet (.parquet) or a tar archive (.tar)."
    )


def _of_folder(folder: Path, columns: Columns, leave_out: Path | None) -> Source:
    """A folder of images, or one of tables or archives alone."""
    if leave_out is not None and leave_out.resolve() == folder.resolve():
        raise BadOptionError(
            f"{shown_path(folder)} is the folder of the images. Choose another folder for --out."
        )
    files = [each for each in sorted(folder.iterdir()) if not each.name.startswith(".")]
    for endings, kind in ((_PARQUET, ParquetImages), (_TAR, TarImages)):
        held = tuple(each for each in files if each.suffix.lower() in endings and is_file(each))
        if held and len(held) == sum(1 for each in files if is_file(each)):
            return kind(held, folder, columns)
    return _without_columns(FolderImages(folder, leave_out), columns)


def _of_pattern(text: str, columns: Columns) -> Source:
    if not glob.has_magic(text):
        raise BadImageError(
            f"There is no image, list or folder {shown_path(text)!r}. Check the path."
        )
    kind = Path(text).suffix.lower()
    if kind not in (*_PARQUET, *_TAR):
        return _without_columns(MatchedImages(text), columns)
    matched = sorted(glob.iglob(text, recursive=True))  # noqa: PTH207 (pathlib takes no absolute pattern)
    files = tuple(Path(each) for each in matched)
    if not files:
        raise BadImageError(f"Nothing matches {text!r}. Check the pattern.")
    made = ParquetImages if kind in _PARQUET else TarImages
    return made(files, fixed_folder(text), columns)


def _without_columns(source: Source, columns: Columns) -> Source:
    if columns != Columns():
        raise BadOptionError(
            f"A source of the kind {source.identity['kind']} has no columns. Give phrases for all images "
            "with --phrases, or a list with columns: JSON lines, Parquet, a tar archive."
        )
    return source
