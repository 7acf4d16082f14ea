"""Samples of the weights in a checkpoint's files, without reading the files."""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlmscope.errors import ModelLoadError
from vlmscope.models.loading.weight_samples import RUN, run_starts, sampled
from vlmscope.models.loading.weights import read_header, weight_files

__all__ = ["DTYPES", "stored_weights"]

DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
"""By name, as safetensors spells them; of others nothing is read."""

_FUSED = re.compile(r"\.qkv(_proj)?\.(weight|bias)$")


def stored_weights(folder: Path) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    """Name, shape and samples (n,) of every weight in a folder.

    Queries, keys and values that are stored as one weight come once more, each alone: some models take
    them apart as they load.

    Raises:
        ModelLoadError: no weights, or files that cannot be read in part.
    """
    files = weight_files(folder)
    for file in files:
        yield from _in_safetensors(file)
    if files:
        return
    pickled = sorted(folder.glob("*.bin"))
    if not pickled:
        raise ModelLoadError(f"There are no weights in {folder}.")
    for file in pickled:
        yield from _in_pickle(file)


def _in_safetensors(file: Path) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    header = read_header(file)
    with (
        file.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if hasattr(content, "madvise"):  # not on Windows; reading ahead would read most of the file
            content.madvise(mmap.MADV_RANDOM)
        start = 8 + int.from_bytes(content[:8], "little")
        for name, entry in header.items():
            dtype = DTYPES.get(entry["dtype"])
            if dtype is not None:
                at = start + entry["data_offsets"][0]
                for shape, first in _whole_and_parts(name, tuple(entry["shape"])):
                    begin = at + first * dtype.itemsize
                    yield name, shape, _runs(content, begin, math.prod(shape), dtype)


def _whole_and_parts(name: str, shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Shape and first element of a weight, and of the three that are fused in it."""
    yield shape, 0
    if _FUSED.search(name) and shape[0] % 3 == 0:
        part = (shape[0] // 3, *shape[1:])
        yield from ((part, number * math.prod(part)) for number in range(3))


def _runs(content: mmap.mmap, at: int, count: int, dtype: torch.dtype) -> Tensor:
    """The samples of a weight of ``count`` values that begins at a byte."""
    size, starts = dtype.itemsize, run_starts(count)
    length = count if len(starts) == 1 else RUN
    begins = [at + start * size for start in starts]
    runs = bytearray().join(content[begin : begin + length * size] for begin in begins)
    return torch.frombuffer(runs, dtype=dtype) if runs else torch.empty(0, dtype=dtype)


def _in_pickle(file: Path) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    try:
        state: Any = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # of an old format, cut off, more than tensors: each has its own
        raise ModelLoadError(f"{file} cannot be read in part ({error}).") from error
    for name, weight in state.items():
        flat = weight.reshape(-1)
        for shape, first in _whole_and_parts(name, tuple(weight.shape)):
            yield name, shape, sampled(flat[first : first + math.prod(shape)])
