"""A folder of labels, as everything that reads one sees it.

Layout::

    job.json        what was asked for, and its fingerprint
    parts/*.parquet rows (vlmscope.labels.schema); a part is whole or absent, and named by its ids
    summary.json    counts, failed images by reason
    README.md       how to read all of it
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from vlmscope.errors import MissingExtraError, OutputError, quoted
from vlmscope.io import is_there, parse_json, shown_path, unread
from vlmscope.labels.schema import FIELDS, FORMAT

__all__ = ["LabelFolder"]

_BATCH = 1024  # rows in memory at once


@dataclass(frozen=True)
class LabelFolder:
    """Rows of a job, finished or not; read part by part, never all of them in memory.

    Attributes:
        path: of the folder.
        job: job.json.
    """

    path: Path
    job: dict[str, Any]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> LabelFolder:
        """A folder that ``vlmscope label`` wrote.

        Raises:
            OutputError: it is none, or of another version of the format.
        """
        folder = Path(path)
        place = folder / "job.json"
        if not is_there(place):
            raise OutputError(
                f"{shown_path(folder)} is no folder of labels: it holds no job.json. "
                f"vlmscope label ... --out {shown_path(folder)} makes one."
            )
        try:
            job = parse_json(place.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(f"Cannot read {shown_path(place)}: {unread(error)}.") from error
        written = job.get("format") if isinstance(job, dict) else None
        if written != FORMAT:
            raise OutputError(
                f"{shown_path(place)} is of the format {written!r}, and this version reads {FORMAT!r}."
            )
        return cls(folder, job)

    @property
    def parts(self) -> list[Path]:
        """The finished parts, by name; what is being written, or was when its writer died, is hidden."""
        paths = (self.path / "parts").glob("*.parquet")
        return sorted(path for path in paths if not path.name.startswith("."))

    def __len__(self) -> int:
        """Rows, read from the parts' footers."""
        return sum(self._file(path).metadata.num_rows for path in self.parts)

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Rows part by part, as dictionaries of :data:`vlmscope.labels.FIELDS`.

        Args:
            columns: only these.

        Raises:
            MissingExtraError: without pyarrow.
            OutputError: a part that cannot be read, or lacks a column.
        """
        names = [field.name for field in FIELDS] if columns is None else list(columns)
        for path in self.parts:
            file = self._file(path)
            missing = [name for name in names if name not in file.schema_arrow.names]
            if missing:
                raise OutputError(
                    f"{shown_path(path)} has no column {missing[0]!r}. It has: "
                    f"{quoted(file.schema_arrow.names, most=len(FIELDS))}."
                )
            try:
                for batch in file.iter_batches(_BATCH, columns=names):
                    yield from batch.to_pylist()
            except (OSError, ValueError) as error:
                raise OutputError(f"Cannot read {shown_path(path)}: {unread(error)}.") from error

    def images(
        self, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The rows of one image after the other, with its id; ``columns`` must hold ``id``."""
        for name, rows in groupby(self.rows(columns), itemgetter("id")):
            yield name, list(rows)

    @staticmethod
    def _file(path: Path) -> Any:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtraError("pyarrow", "parquet", "Labels in Parquet") from error
        try:
            return parquet.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise OutputError(f"Cannot read {shown_path(path)}: {unread(error)}.") from error
