"""Text embeddings that somebody made already: a vector for each of some phrases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlmscope.errors import BadOptionError, UnknownNameError

__all__ = ["TextTable"]


@dataclass(frozen=True, eq=False)
class TextTable:
    """Phrases and their embeddings.

    Attributes:
        where: the file, or "a mapping", for messages.
        rows: the row of each phrase, which is stripped and in small letters.
        vectors: float32 (phrases, joint), as they were given.
    """

    where: str
    rows: Mapping[str, int]
    vectors: Tensor

    @classmethod
    def of(cls, source: str | PathLike[str] | Mapping[str, Any]) -> TextTable:
        """Read a safetensors file, or take a mapping, from phrase to vector.

        Raises:
            BadOptionError: no such file, a file of another kind, no phrase at all, two that differ
                in capitals alone, vectors of several widths, or values that are no numbers.
        """
        if isinstance(source, Mapping):
            return cls._of("a mapping", source)
        if not isinstance(source, str | PathLike):
            raise BadOptionError(
                "text_embeddings is a safetensors file or a mapping from phrase to vector, got "
                f"{type(source).__name__}."
            )
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = Path(fspath(source)).expanduser()
        try:
            return cls._of(str(path), load_file(path))
        except (OSError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BadOptionError(
                f"The text embeddings {path} could not be read ({reason}). Give a safetensors file "
                "that holds a vector under the name of each phrase."
            ) from error

    @classmethod
    def _of(cls, where: str, source: Mapping[str, Any]) -> TextTable:
        rows: dict[str, int] = {}
        vectors: list[Tensor] = []
        for name, vector in source.items():
            key = _key(name)
            if not key or key in rows:
                raise BadOptionError(
                    f"The text embeddings in {where} name {name!r}, which is "
                    f"{'empty' if not key else 'there already but for its capitals'}. Give each "
                    "phrase once."
                )
            rows[key] = len(rows)
            vectors.append(_vector(where, name, vector, vectors))
        if not vectors:
            raise BadOptionError(f"The text embeddings in {where} hold no phrase. Give some.")
        return cls(where, rows, torch.stack(vectors))

    @property
    def width(self) -> int:
        """Values of a vector."""
        return int(self.vectors.shape[1])

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of phrases and vectors."""
        content = hashlib.sha256("\n".join(self.rows).encode())
        content.update(self.vectors.numpy().tobytes())
        return content.hexdigest()[:12]

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        """Float32 (texts, joint).

        Raises:
            UnknownNameError: a text that has no embedding; lists the nearest.
        """
        rows = []
        for text in texts:
            if _key(text) not in self.rows:
                raise UnknownNameError(
                    "phrase with an embedding", text, self.rows, where=f"See: {self.where}"
                )
            rows.append(self.rows[_key(text)])
        return self.vectors[torch.tensor(rows)]


def _key(name: Any) -> str:
    return " ".join(str(name).split()).casefold()


def _vector(where: str, name: str, vector: Any, others: Sequence[Tensor]) -> Tensor:
    values = torch.as_tensor(vector).detach().float().cpu()
    values = values.flatten() if values.ndim == 2 and 1 in values.shape else values
    if values.ndim != 1 or not len(values) or not values.isfinite().all() or not values.any():
        raise BadOptionError(
            f"The text embedding of {name!r} in {where} is no vector of numbers (shape "
            f"{tuple(values.shape)}). Give one vector for each phrase, of finite values, not all 0."
        )
    if others and len(values) != len(others[0]):
        raise BadOptionError(
            f"The text embeddings in {where} have {len(others[0])} values each, but {name!r} has "
            f"{len(values)}. Give embeddings of one model."
        )
    return values
