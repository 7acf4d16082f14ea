"""Flat records as Parquet, for the tools of data people (the extra ``parquet``)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from vlmscope.errors import BadSampleError, MissingExtraError
from vlmscope.io import atomic_path

__all__ = ["write_parquet"]

_BATCH = 50_000


def write_parquet(
    path: str | os.PathLike[str], rows: Iterable[dict[str, Any]], metadata: dict[str, str]
) -> None:
    """Write records to a file, whole or not at all; never all of them in memory.

    Args:
        path: of the file.
        rows: records with the same keys; the first decides the types.
        metadata: of the file: the run as JSON, for example.

    Raises:
        MissingExtraError: without pyarrow.
        BadSampleError: no record.
        OutputError: a place that cannot be written.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Writing Parquet") from error
    batches = _batches(rows)
    first = next(batches, None)
    if first is None:
        raise BadSampleError(f"There is nothing to write to {path}: not one record.")
    table = arrow.Table.from_pylist(first)
    schema = table.schema.with_metadata(metadata)
    with atomic_path(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        writer.write_table(table.cast(schema))
        for batch in batches:
            writer.write_table(arrow.Table.from_pylist(batch, schema=schema))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        yield batch
