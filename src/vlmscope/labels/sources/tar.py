"""Images in tar archives as webdataset lays them out: files of one name are one sample."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from vlmscope.data.images import SUFFIXES
from vlmscope.errors import BadImageError, BadSampleError, quoted
from vlmscope.io import is_file, parse_json, shown_path, unread
from vlmscope.labels.sources.base import Columns, Item, Source, readable, texts_of

__all__ = ["TarImages"]

_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")


@dataclass
class _Sample:
    """The files of one name.

    Attributes:
        key: the name before its first point.
        image: (name, where its bytes begin, how many) of the first image among them.
        fields: contents of the others, by what follows the point, as far as they were asked for.
    """

    key: str
    image: tuple[str, int, int] | None = None
    fields: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class TarImages(Source):
    """Archives, read from the beginning to the end once and then at the images' places.

    A phrase is that of the key ``columns.phrase`` in the sample's ``.json``, or the text of its file of
    that ending, such as ``txt``. An image is known by its archive and its path in it.

    Attributes:
        files: in order; not compressed.
        folder: what their names are counted from.
        columns: of the keys in ``.json``.
    """

    files: tuple[Path, ...]
    folder: Path
    columns: Columns

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "kind": "tar",
            "place": readable(self.folder.resolve()),
            "image": self.columns.image,
            "id": self.columns.id,
        }

    def items(self) -> Iterator[Item]:
        for number, path in enumerate(self.files):
            try:
                for sample in _samples(path, self._wanted, self.columns.image):
                    yield self._item(number, sample)
            except BadSampleError as error:  # one archive that breaks off does not end a job
                yield Item(self._archive(number), fault=(type(error).__name__, str(error)))

    def open(self, item: Item) -> bytes:
        number, start, length = item.place
        try:
            with self.files[number].open("rb") as stream:
                stream.seek(start)
                data = stream.read(length)
        except OSError as error:
            raise BadImageError(f"Cannot read {item.id}: {unread(error)}.") from error
        if len(data) < length:
            raise BadImageError(f"The archive breaks off within the image {item.id}.")
        return data

    def gone(self) -> str | None:
        lost = next((path for path in self.files if not is_file(path)), None)
        return None if lost is None else f"The file {shown_path(lost)} is gone."

    def _archive(self, number: int) -> str:
        return readable(os.path.relpath(self.files[number], self.folder).replace(os.sep, "/"))

    @property
    def _wanted(self) -> frozenset[str]:
        """Endings whose contents are read while the archive is listed."""
        if self.columns.phrase is None and self.columns.id is None:
            return frozenset()
        return frozenset({"json", *([self.columns.phrase] if self.columns.phrase else [])})

    def _item(self, number: int, sample: _Sample) -> Item:
        archive = self._archive(number)
        if sample.image is None:
            name = f"{archive}/{sample.key}"
            ends = "" if self.columns.image is None else f" of the ending {self.columns.image!r}"
            return Item(name, fault=("BadSampleError", f"The sample {name} has no image{ends}."))
        path, start, length = sample.image
        name = f"{archive}/{path}"
        try:
            record = self._record(sample)
            phrases = self._phrases(sample, record)
            id = name if self.columns.id is None else self._id(record)
        except BadSampleError as error:
            return Item(name, fault=(type(error).__name__, f"{name}: {error}"))
        return Item(id, [number, start, length], phrases)

    def _record(self, sample: _Sample) -> dict[str, Any]:
        if "json" not in sample.fields:
            return {}
        try:
            record = parse_json(sample.fields["json"].decode("utf-8"))
        except ValueError as error:
            raise BadSampleError(f"Its .json cannot be read: {unread(error)}.") from error
        return record if isinstance(record, dict) else {}

    def _phrases(self, sample: _Sample, record: dict[str, Any]) -> tuple[str, ...] | None:
        name = self.columns.phrase
        if name is None:
            return None
        value = record.get(name)
        if name in sample.fields:
            value = sample.fields[name].decode("utf-8", "replace")
        phrases = texts_of(value)
        if phrases is None:
            raise BadSampleError(
                f"It has neither a file .{name} with a phrase nor a key {name!r} in its .json. Keys: "
                f"{quoted(list(record)) or 'none'}."
            )
        return phrases

    def _id(self, record: dict[str, Any]) -> str:
        value = record.get(str(self.columns.id))
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise BadSampleError(
                f"The key {self.columns.id!r} of its .json must hold an id, got {value!r}."
            )
        return str(value)


def _samples(path: Path, wanted: frozenset[str], image: str | None) -> Iterator[_Sample]:
    """Neighbours of one name, one sample after the other."""
    try:
        with path.open("rb") as stream:
            _check_plain(stream, path)
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                sample: _Sample | None = None
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # it would keep all of them
                    if not member.isfile() or Path(member.name).name.startswith("."):
                        continue
                    key, ending = _split(member.name)
                    if sample is None or key != sample.key:
                        if sample is not None:
                            yield sample
                        sample = _Sample(key)
                    if ending in wanted:
                        content = archive.extractfile(member)
                        sample.fields[ending] = b"" if content is None else content.read()
                    elif sample.image is None and _is_image(ending, image):
                        place = (readable(member.name), member.offset_data, member.size)
                        sample.image = place
                if sample is not None:
                    yield sample
    except (OSError, tarfile.TarError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadSampleError(f"Cannot read the archive {shown_path(path)}: {reason}.") from error


def _is_image(ending: str, wanted: str | None) -> bool:
    """Whether a file is the sample's image: of the ending that was asked for, else of any image's."""
    if wanted is not None:
        return ending == wanted.lower().lstrip(".")
    return f".{ending.rpartition('.')[2]}" in SUFFIXES


def _split(name: str) -> tuple[str, str]:
    """``a/b.c.jpg`` -> ``a/b`` and ``c.jpg``: the point is the first of the last part."""
    folder, slash, file = name.rpartition("/")
    stem, _, ending = file.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()


def _check_plain(stream: IO[bytes], path: Path) -> None:
    start = stream.read(6)
    stream.seek(0)
    if start.startswith(_COMPRESSED):
        raise BadSampleError(
            f"The archive {shown_path(path)} is compressed, so that images in it cannot be read where "
            "they lie. Unpack it to a plain .tar."
        )
