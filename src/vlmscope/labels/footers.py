"""What the end of a part says of it, so that a part need not be read to know what is in it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.errors import MissingExtraError
from vlmscope.labels.labelled import Row
from vlmscope.labels.schema import arrow_schema
from vlmscope.labels.sources import Item

__all__ = ["Failure", "Footer", "Key", "encoded", "footer_of", "id_digest", "key_of", "part_name"]

_KEYS, _FAILURES = "keys", "failures"
_DIGEST, _PHRASES = 16, 8  # bytes of a key


@dataclass(frozen=True)
class Key:
    """An image and what was looked for in it, as digests.

    Attributes:
        id: 16 bytes, of its id.
        phrases: 8 bytes, of the phrases of its row; zeros where they are those of the job.
    """

    id: bytes
    phrases: bytes


@dataclass(frozen=True)
class Failure:
    """Images that failed for one reason.

    Attributes:
        count: how many.
        id: of the first.
        message: of the first.
    """

    count: int
    id: str
    message: str


@dataclass(frozen=True)
class Footer:
    """What the end of a part says of it.

    Attributes:
        keys: of its images, in order.
        rows: how many.
        failures: by class of error.
    """

    keys: tuple[Key, ...]
    rows: int
    failures: dict[str, Failure]

    @property
    def failed(self) -> int:
        """How many images failed."""
        return sum(each.count for each in self.failures.values())


def key_of(item: Item) -> Key:
    """The key of an image."""
    phrases = bytes(_PHRASES)
    if item.phrases is not None:
        phrases = _digest("\0".join(item.phrases), _PHRASES)
    return Key(id_digest(item.id), phrases)


def part_name(items: Iterable[Item]) -> str:
    """The name of the part that holds these images: the same ids, the same name."""
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for item in items:
        digest.update(id_digest(item.id))
    return digest.hexdigest()


def encoded(keys: Sequence[Key], rows: Sequence[Row]) -> bytes:
    """A part as the bytes of a Parquet file.

    Raises:
        MissingExtraError: without pyarrow.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Labels in Parquet") from error
    failures: dict[str, list[Any]] = {}
    for row in rows:
        if row["error"] is not None:
            entry = failures.setdefault(row["error"], [0, row["id"], row["message"]])
            entry[0] += 1
    metadata = {
        _KEYS: base64.b64encode(b"".join(key.id + key.phrases for key in keys)).decode(),
        _FAILURES: json.dumps(failures),
    }
    table = arrow.Table.from_pylist(list(rows), schema=arrow_schema(metadata))
    stream = io.BytesIO()
    parquet.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def footer_of(source: Any) -> Footer:
    """The footer of a file, or of its bytes in a stream.

    Raises:
        KeyError: a Parquet file that is no part.
        pyarrow.ArrowInvalid: a file that is cut off.
    """
    from pyarrow import parquet

    metadata = parquet.read_metadata(source)
    held = metadata.metadata or {}
    packed = base64.b64decode(held[_KEYS.encode()])
    step = _DIGEST + _PHRASES
    keys = tuple(
        Key(packed[at : at + _DIGEST], packed[at + _DIGEST : at + step])
        for at in range(0, len(packed), step)
    )
    failures = json.loads(held[_FAILURES.encode()])
    return Footer(
        keys, metadata.num_rows, {kind: Failure(*each) for kind, each in failures.items()}
    )


def id_digest(id: str) -> bytes:
    """Of an id, as keys have it."""
    return _digest(id, _DIGEST)


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
