"""The files of a checkpoint in the original LLaVA format: a folder, and the tensors in it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from vlmscope.errors import ModelLoadError
from vlmscope.io import is_file, parse_json
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source
from vlmscope.models.loading.weights import check_weight_files, weight_files

__all__ = ["fetched", "fetched_part", "stored_tensors"]

_SETTINGS = ("*.json", "*.model", "*.txt", "*.jinja")
_SAFETENSORS = ("*.safetensors",)
_PICKLED = ("pytorch_model*.bin",)
_INDEX = "pytorch_model.bin.index.json"
_SINGLE = "pytorch_model.bin"


def fetched(source: Source, *, weights: bool) -> Path:
    """The folder of a checkpoint; of one on the hub, what is needed is fetched first.

    Args:
        source: pinned.
        weights: with the weights: safetensors, or where there are none, the pickled ones.

    Raises:
        ModelLoadError: from the hub; says what to do.
    """
    if source.folder is not None:
        return source.folder
    folder = _from_hub(source, _SETTINGS)
    if weights:
        folder = _from_hub(source, _SAFETENSORS)
        if not any(folder.glob(_SAFETENSORS[0])):
            folder = _from_hub(source, _PICKLED)
    return folder


def fetched_part(source: Source, folder: str) -> Path:
    """A folder within a checkpoint on the hub, fetched.

    Args:
        source: pinned, on the hub.
        folder: relative to the repository, as ``./vit``.
    """
    inner = PurePosixPath(folder)
    return _from_hub(source, (f"{inner}/*",)) / inner


def _from_hub(source: Source, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download

    with explained(source.name, source.offline):
        return Path(
            snapshot_download(
                source.name,
                revision=source.revision,
                allow_patterns=list(patterns),
                local_files_only=source.offline is not None,
            )
        )


def stored_tensors(folder: Path, name: str) -> Mapping[str, Tensor]:
    """Every tensor of a checkpoint by its own name, mapped from the files and not yet read.

    Raises:
        ModelLoadError: no weights, or files that are missing or damaged.
    """
    from safetensors.torch import load_file

    check_weight_files(folder)
    tensors: dict[str, Tensor] = {}
    with explained(name):
        for file in weight_files(folder):
            tensors.update(load_file(file))
        if not tensors:
            for file in _pickled(folder, name):
                tensors.update(
                    torch.load(
                        file,
                        map_location="cpu",
                        weights_only=True,
                        mmap=zipfile.is_zipfile(file),
                    )
                )
    return tensors


def _pickled(folder: Path, name: str) -> list[Path]:
    if is_file(folder / _INDEX):
        try:
            weight_map = parse_json((folder / _INDEX).read_text(encoding="utf-8"))["weight_map"]
            files = sorted({folder / str(file) for file in weight_map.values()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelLoadError(
                f"The index of weights {folder / _INDEX} cannot be read ({error!r}). Fetch it again."
            ) from error
    else:
        files = [folder / _SINGLE]
    absent = [file.name for file in files if not is_file(file)]
    if absent:
        raise ModelLoadError(
            f"{name} is in the original LLaVA code's format and lacks its weights: {len(absent)} of "
            f"{len(files)} files are missing, for example {absent[0]}. A projector alone "
            "(mm_projector.bin) is no model: give the folder of the whole one."
        )
    return files
