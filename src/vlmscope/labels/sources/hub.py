"""Images of a data set as the package ``datasets`` holds it: by name, or one that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vlmscope.errors import BadImageError, BadSampleError, MissingExtraError, nearest
from vlmscope.hub import no_connection, refusal, text_of
from vlmscope.labels.sources.base import Columns, Item, Source, texts_of

__all__ = ["PREFIX", "DatasetImages", "named_dataset"]

PREFIX = "datasets:"
"""What the name of a data set begins with: ``datasets:OWNER/NAME@REVISION#SPLIT``."""

_IMAGE = "image"
_SPLIT = "train"
_ROWS = 1000  # that are listed at once; one by one they take a hundred times as long


@dataclass(frozen=True)
class DatasetImages(Source):
    """Rows of a ``datasets.Dataset``. Without a column of ids an image is known by its row.

    Attributes:
        rows: the data set; its images are read as bytes, not as pictures.
        name: as it was asked for, or the data set's own fingerprint.
        columns: their names.
    """

    rows: Any = field(repr=False)
    name: str
    columns: Columns

    @classmethod
    def of(cls, dataset: Any, columns: Columns, name: str | None = None) -> DatasetImages:
        """A data set whose images are left encoded.

        Raises:
            BadSampleError: a column that it does not have.
            MissingExtraError: without ``datasets``.
        """
        image = columns.image or _IMAGE
        for column in (image, columns.id, columns.phrase):
            if column is not None and column not in dataset.column_names:
                close = nearest(column, dataset.column_names, 1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise BadSampleError(
                    f"The data set has no column {column!r}.{hint} It has: "
                    f"{', '.join(dataset.column_names)}."
                )
        plain = dataset.cast_column(image, _package().Image(decode=False))
        return cls(plain, name or f"fingerprint {dataset._fingerprint}", columns)

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "kind": "datasets",
            "place": self.name,
            "image": self.columns.image or _IMAGE,
            "id": self.columns.id,
        }

    def items(self) -> Iterator[Item]:
        wanted = [name for name in (self.columns.id, self.columns.phrase) if name is not None]
        listed = self.rows.select_columns(wanted) if wanted else None
        for start in range(0, len(self.rows), _ROWS):
            numbers = range(start, min(start + _ROWS, len(self.rows)))
            columns = {} if listed is None else listed[start : numbers.stop]
            for offset, number in enumerate(numbers):
                yield self._item(number, {name: columns[name][offset] for name in wanted})

    def open(self, item: Item) -> str | bytes:
        cell = self.rows[item.place][self.columns.image or _IMAGE] or {}
        data, path = cell.get("bytes"), cell.get("path")
        if not data and not path:
            raise BadImageError(f"The row {item.id} holds no image.")
        return data or str(path)

    def gone(self) -> str | None:
        return None

    def _item(self, number: int, row: dict[str, Any]) -> Item:
        name = f"row {number}"
        id: Any = name if self.columns.id is None else row[self.columns.id]
        if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
            message = f"The column {self.columns.id!r} must hold an id in {name}, got {id!r}."
            return Item(name, fault=("BadSampleError", message))
        if self.columns.phrase is None:
            return Item(str(id), number)
        phrases = texts_of(row[self.columns.phrase])
        if phrases is None:
            message = (
                f"The column {self.columns.phrase!r} must hold a phrase or a list of phrases, got "
                f"{row[self.columns.phrase]!r}."
            )
            return Item(str(id), fault=("BadPhraseError", message))
        return Item(str(id), number, phrases)


def named_dataset(address: str, columns: Columns) -> DatasetImages:
    """A data set of the hub, or a folder of one, by its name.

    Args:
        address: ``datasets:OWNER/NAME``, perhaps with ``@REVISION``, and ``#SPLIT`` (default: train).
        columns: their names.

    Raises:
        MissingExtraError: without ``datasets``.
        BadSampleError: no such data set, revision, split or column, or the hub cannot be asked.
    """
    name, _, split = address.removeprefix(PREFIX).partition("#")
    name, _, revision = name.partition("@")
    try:
        dataset = _package().load_dataset(name, split=split or _SPLIT, revision=revision or None)
    except MissingExtraError:
        raise
    except Exception as error:  # it raises whatever its many readers stumble over
        reason = refusal(name, error, "data set") or no_connection(error) or text_of(error)
        raise BadSampleError(f"The data set {name} could not be loaded: {reason}") from error
    return DatasetImages.of(dataset, columns, address)


def _package() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "datasets", "A data set by its name") from error
    return datasets
