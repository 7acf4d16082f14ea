"""Damage that a folder shows before, or a model right after, it is loaded: pointers, zeros, NaN."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vlmscope.errors import ModelLoadError
from vlmscope.models.loading.weights import weight_files

__all__ = ["check_finite", "check_pointers", "check_sizes"]

_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_BYTES = 1024  # the specification's limit

_COUNTS = ("num_attention_heads", "num_key_value_heads", "hidden_size", "patch_size")

_LAYERS = ("num_hidden_layers", "num_layers", "depth")
_MOST_LAYERS = 10_000  # of a tower; building more takes minutes before anything can be said

_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def check_pointers(folder: Path) -> None:
    """Refuse a folder that git filled with pointers in place of large files.

    Only files that are read: weights in other formats may well have been left out.

    Raises:
        ModelLoadError: names the file and the command that fetches it.
    """
    for file in _settings(folder):
        _check_pointer(file)
    for file in weight_files(folder) or sorted(folder.glob("*.bin")):
        _check_pointer(file)


def check_sizes(config: Mapping[str, Any], name: str) -> None:
    """Refuse a configuration of heads or patches of which there are none, or of endless layers.

    Raises:
        ModelLoadError: names the entry.
    """
    for key, value in _numbers(config, _LAYERS):
        if value > _MOST_LAYERS:
            raise ModelLoadError(
                f"The config.json of {name} says {key}: {value}, and no model has more than "
                f"{_MOST_LAYERS:,} layers. It was edited or damaged: fetch the checkpoint again."
            )
    for key, value in _numbers(config, _COUNTS):
        if value < 1:
            raise ModelLoadError(
                f"The config.json of {name} says {key}: {value}, and a model needs at least 1. It was "
                "edited or damaged: fetch the checkpoint again."
            )


def check_finite(name: str, model: nn.Module) -> None:
    """Refuse weights that are no numbers: every map would be.

    Raises:
        ModelLoadError: names the first.
    """
    for key, weight in model.named_parameters():
        # what lies on disk or is packed by a quantiser cannot be looked at in passing
        if weight.is_meta or weight.dtype not in _FLOATS or not weight.numel():
            continue
        low, high = weight.detach().aminmax()  # NaN if any is
        if not (low.isfinite() and high.isfinite()):
            raise ModelLoadError(
                f"The weights of {name} are no numbers (NaN or infinite), for example in {key}. The "
                "file is damaged, or training broke down: give another checkpoint."
            )


def _settings(folder: Path) -> Iterator[Path]:
    for pattern in ("*.json", "*.txt", "*.model"):
        yield from sorted(folder.glob(pattern))


def _check_pointer(file: Path) -> None:
    if not file.is_file() or file.stat().st_size > _POINTER_BYTES:
        return
    if file.read_bytes().startswith(_POINTER):
        raise ModelLoadError(
            f"{file} is a Git-LFS pointer, not the file itself: run `git lfs pull` in {file.parent}, "
            "or fetch the checkpoint from the hub."
        )


def _numbers(config: Any, keys: Collection[str]) -> Iterator[tuple[str, int]]:
    """The whole numbers of a configuration that have one of these keys, at any depth."""
    if not isinstance(config, Mapping):
        return
    for key, value in config.items():
        if key in keys and isinstance(value, int) and not isinstance(value, bool):
            yield key, value
        else:
            yield from ((f"{key}.{inner}", number) for inner, number in _numbers(value, keys))
