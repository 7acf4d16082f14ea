"""Parquet files of rendered sets, a few rows at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.errors import MissingExtraError
from vlmscope.io import atomic_path
from vlmscope.tiny import Scene

__all__ = ["Columns", "picture_cell", "picture_type", "write_parquet"]

_ROWS = 16  # of a row group

Columns = Callable[[Any], Any]
"""What names and types the columns, when it is given the module pyarrow."""


def write_parquet(path: Path, columns: Columns, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows.

    Raises:
        MissingExtraError: without pyarrow.
        OutputError: a place that cannot be written.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Writing Parquet") from error
    schema = columns(arrow)
    with atomic_path(path) as place, parquet.ParquetWriter(place, schema) as writer:
        waiting: list[dict[str, Any]] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == _ROWS:
                writer.write_table(arrow.Table.from_pylist(waiting, schema=schema))
                waiting = []
        if waiting:
            writer.write_table(arrow.Table.from_pylist(waiting, schema=schema))


def picture_cell(scene: Scene, name: str) -> dict[str, Any]:
    """A scene as ``datasets`` writes a picture."""
    stream = io.BytesIO()
    Image.fromarray(scene.image).save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": name}


def picture_type(arrow: Any) -> Any:
    """The type of a column of pictures."""
    return arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
