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
_CHANNELS = ("num_channels", "in_channels", "in_chans")

# of a tower; building more takes minutes before anything can be said
_MOST = {**dict.fromkeys(_LAYERS, 10_000), **dict.fromkeys(_CHANNELS, 1_000)}

# entries that name layers, and the tower whose layers they are
_NAMING_LAYERS = {
    "vision_feature_layer": "vision_config",
    "deepstack_visual_indexes": "vision_config",
    "intermediate_layers_indices": "vision_config",
    "cross_attention_layers": "text_config",
}

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
    """Refuse a configuration of heads or patches of which there are none, of endless layers or
    channels, or that reads a layer that a tower does not have.

    Raises:
        ModelLoadError: names the entry.
    """
    for key, value in _numbers(config, _MOST):
        most = _MOST[key.rpartition(".")[2]]
        if value > most:
            kind = "layers" if most == _MOST[_LAYERS[0]] else "channels"
            raise ModelLoadError(
                f"The config.json of {name} says {key}: {value}, and no model has more than "
                f"{most:,} {kind}. It was edited or damaged: fetch the checkpoint again."
            )
    for key, value in _numbers(config, _COUNTS):
        if value < 1:
            raise ModelLoadError(
                f"The config.json of {name} says {key}: {value}, and a model needs at least 1. It was "
                "edited or damaged: fetch the checkpoint again."
            )
    _check_named_layers(config, name)


def _check_named_layers(config: Mapping[str, Any], name: str) -> None:
    """Refuse entries that name layers beyond a tower's last; the tower's output counts as one more."""
    for key, tower in _NAMING_LAYERS.items():
        inner = config.get(tower) or {}
        depth = next((number for _, number in _numbers(inner, _LAYERS)), None)
        if depth is None:
            continue  # left to a default that nothing here knows
        for value in (config.get(key), inner.get(key)):
            wrong = [each for each in _whole(value) if not -depth - 1 <= each <= depth]
            if wrong:
                raise ModelLoadError(
                    f"The config.json of {name} says {key}: {value}, and its {tower} has {depth} "
                    "layers. It was edited or damaged: fetch the checkpoint again."
                )


def _whole(value: Any) -> list[int]:
    """The whole numbers of an entry that is one or a list."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, int) and not isinstance(each, bool)]


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
