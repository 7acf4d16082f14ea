"""Single tensors out of a checkpoint's safetensors files; of the rest, headers alone are read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlmscope.errors import ModelLoadError
from vlmscope.io import parse_json
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source
from vlmscope.models.loading.stored import DTYPES
from vlmscope.models.loading.weights import read_header, weight_files

__all__ = ["StoredTensors"]

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"


class StoredTensors:
    """The tensors of one checkpoint, by the names that its files have for them.

    Of a repository on the hub only the files are fetched that hold a tensor that is read.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._headers: dict[str, dict[str, dict[str, Any]]] = {}

    @cached_property
    def files(self) -> dict[str, str]:
        """Name of a tensor -> name of its file.

        Raises:
            ModelLoadError: no safetensors, or an index or a header that cannot be read.
        """
        folder = self._source.folder
        if folder is None:
            return self._on_hub()
        files = weight_files(folder)
        if not files:
            raise ModelLoadError(
                f"{self._source.name} holds no safetensors files, and of other weights nothing can be read "
                "in part. Load it once and save it again: model.hf.save_pretrained(FOLDER)."
            )
        return {name: file.name for file in files for name in self._header(file.name)}

    def read(self, name: str) -> Tensor:
        """One tensor as it is stored.

        Raises:
            ModelLoadError: a file that is damaged, or numbers that are no plain ones.
        """
        file = self.files[name]
        entry = self._header(file)[name]
        dtype = DTYPES.get(entry["dtype"])
        if dtype is None or not dtype.is_floating_point or dtype.itemsize < 2:
            raise ModelLoadError(
                f"{name} of {self._source.name} is stored as {entry['dtype']}: it is quantised, and a single "
                "layer cannot be read of it. Give the checkpoint in float16, bfloat16 or float32, or load "
                "the whole model."
            )
        begin, end = entry["data_offsets"]
        with self._path(file).open("rb") as stream:
            start = 8 + int.from_bytes(stream.read(8), "little")
            stream.seek(start + begin)
            values = bytearray(stream.read(end - begin))
        return torch.frombuffer(values, dtype=dtype).view(entry["shape"])

    def _header(self, file: str) -> dict[str, dict[str, Any]]:
        if file not in self._headers:
            self._headers[file] = read_header(self._path(file))
        return self._headers[file]

    def _path(self, file: str) -> Path:
        return self._fetched(file) if self._source.folder is None else self._source.folder / file

    def _fetched(self, file: str) -> Path:
        from huggingface_hub import hf_hub_download

        with explained(self._source.name, self._source.offline):
            path = hf_hub_download(
                self._source.name,
                file,
                revision=self._source.revision,
                local_files_only=self._source.offline is not None,
            )
        return Path(path)

    def _on_hub(self) -> dict[str, str]:
        from huggingface_hub.errors import EntryNotFoundError

        try:
            index = self._fetched(_INDEX)
        except ModelLoadError as error:
            if not isinstance(error.__cause__, EntryNotFoundError):
                raise
            return dict.fromkeys(self._header(_SINGLE), _SINGLE)
        return dict(parse_json(index.read_text(encoding="utf-8"))["weight_map"])

    def described(self, names: Iterable[str]) -> str:
        """Some names for a message."""
        listed = sorted(names)
        return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
