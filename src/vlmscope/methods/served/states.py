"""The file of hidden states that belongs to a request: safetensors, read tensor by tensor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlmscope.errors import AttentionError, BadOptionError
from vlmscope.io import missing_file
from vlmscope.methods.served.request import TensorPlace

__all__ = ["TOKEN_IDS", "ServedStates"]

TOKEN_IDS = "token_ids"
"""Name of the tensor that an engine may write the prompt's ids to."""


@dataclass(frozen=True)
class ServedStates:
    """A file of hidden states.

    Attributes:
        path: of the file.
        names: of its tensors.
    """

    path: Path
    names: tuple[str, ...]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> ServedStates:
        """Look into a file; nothing but its header is read.

        Raises:
            BadOptionError: no such file, or no safetensors.
        """
        from safetensors import SafetensorError, safe_open

        file = Path(path)
        missing = missing_file(file, "file of hidden states")
        if missing is not None:
            raise BadOptionError(f"{missing} --hidden names a safetensors file.")
        try:
            with safe_open(file, framework="pt") as content:
                return cls(file, tuple(content.keys()))
        except (SafetensorError, OSError) as error:
            raise BadOptionError(
                f"{file} is no whole safetensors file ({error}). A compressed one is unpacked first; one "
                "that is still being written is read when it is done."
            ) from error

    def layer(self, place: TensorPlace, layer: int) -> Tensor:
        """The input of one layer: (positions, width).

        Raises:
            BadOptionError: no such tensor, or no such column of it.
        """
        if place.tensor not in self.names:
            raise BadOptionError(
                f"The request names the tensor {place.tensor!r} for layer {layer}, and {self.path} has none: "
                f"it holds {', '.join(self.names) or 'nothing'}."
            )
        tensor = self._read(place.tensor)
        if place.column is None:
            if tensor.ndim == 3:
                raise BadOptionError(
                    f"The tensor {place.tensor!r} is {tuple(tensor.shape)}, (positions, layers, width): say "
                    f'which is layer {layer}, {{"tensor": "{place.tensor}", "column": 0}}.'
                )
            return tensor
        if tensor.ndim != 3 or place.column >= tensor.shape[1]:
            raise BadOptionError(
                f"The tensor {place.tensor!r} is {tuple(tensor.shape)}, which has no column {place.column}: "
                "columns are those of (positions, layers, width), from 0."
            )
        return tensor[:, place.column]

    def token_ids(self) -> Tensor | None:
        """Int64 (positions,), or None where the engine did not write them.

        Raises:
            AttentionError: of another shape, or no ids.
        """
        if TOKEN_IDS not in self.names:
            return None
        ids = self._read(TOKEN_IDS)
        if ids.ndim != 1 or ids.is_floating_point() or ids.dtype == torch.bool:
            raise AttentionError(
                f"{TOKEN_IDS} of {self.path} are {str(ids.dtype).removeprefix('torch.')} of the shape "
                f"{tuple(ids.shape)}, and whole numbers (positions,) are needed."
            )
        return ids.long()

    def _read(self, name: str) -> Tensor:
        from safetensors import safe_open

        with safe_open(self.path, framework="pt") as content:
            tensor: Any = content.get_tensor(name)
        return tensor  # type: ignore[no-any-return]
