"""What really runs: whether a model in memory is the checkpoint that it names.

Weights may have been merged with an adapter, edited, quantised or left out since they were loaded, and
the configuration does not tell. Samples of every weight are held against the files: a few runs of
values at places spread over it, so that a model of 15 GB is told in a second and not read again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vlmscope.errors import ModelLoadError
from vlmscope.models.loading.sources import fingerprint
from vlmscope.models.loading.stored import stored_weights
from vlmscope.models.loading.weight_samples import sampled
from vlmscope.models.spare_weights import SpareWeights, unexplained

__all__ = ["revision_of"]

_NUMBER = re.compile(r"(?:^|\.)(\d+)\.")
_LAYER = re.compile(r"(layers?|blocks?|resblocks|stages|h)\.\d+\.")
_DIGITS = 16

Key = tuple[str, tuple[int, ...], bytes]
"""Number of the layer, shape, digest of the samples: names are not in it, for classes respell them."""


def revision_of(hf: nn.Module, spare: Iterable[SpareWeights] = ()) -> str:
    """The revision of a model that somebody holds.

    Args:
        hf: a model of transformers.
        spare: what its checkpoint may hold beyond what the model takes.

    Returns:
        Commit or fingerprint of the checkpoint that it came from, when its weights are those. Else the
        same followed by ``+weights:`` and a digest of the weights in memory; the digest alone where the
        checkpoint is not known. A checkpoint whose files are not here cannot vouch for the weights.
    """
    base, folder = _origin(hf)
    state = hf.state_dict()
    if base is not None and folder is not None and _unchanged(hf, state, folder, spare):
        return base
    digest = f"weights:{_digest(state)}"
    return digest if base is None else f"{base}+{digest}"


def _origin(hf: Any) -> tuple[str | None, Path | None]:
    """Revision of the checkpoint that a model names, and where its files are."""
    from huggingface_hub import try_to_load_from_cache

    config = hf.config
    name = getattr(config, "_name_or_path", None)
    if name and Path(name).is_dir():
        return fingerprint(Path(name)), Path(name)
    commit = getattr(config, "_commit_hash", None)
    if not name or commit is None:
        return commit, None
    file = try_to_load_from_cache(name, "config.json", revision=commit)
    return commit, Path(file).parent if isinstance(file, str) else None


def _unchanged(
    hf: Any, state: Mapping[str, Any], folder: Path, spare: Iterable[SpareWeights]
) -> bool:
    """Whether every weight in memory is one of the files, and every one of the files is in memory."""
    if not all(isinstance(value, Tensor) for value in state.values()):
        return False  # the packed weights of torch's own quantised layers
    dtypes: dict[tuple[int, ...], set[torch.dtype]] = {}
    for value in state.values():
        for shape in {tuple(pieces[0].shape) for pieces in _ways_to_store(value)}:
            dtypes.setdefault(shape, set()).add(value.dtype)
    try:
        known = _stored(folder, dtypes)
    except ModelLoadError:  # files that are missing or damaged vouch for nothing
        return False
    used: set[str] = set()
    for name, value in state.items():
        names = _stored_names(name, value, known)
        if not names:
            return False
        used |= names
    left = {name for names in known.values() for name in names} - used
    ignored = getattr(hf, "_keys_to_ignore_on_load_unexpected", None) or ()
    left = {name for name in left if not any(re.search(each, name) for each in ignored)}
    return not unexplained(left, spare)


def _ways_to_store(value: Tensor) -> Iterator[list[Tensor]]:
    """The pieces that a weight may be stored in: whole or in two halves; of experts each alone, too."""
    yield [value]
    if value.ndim == 2 and len(value) % 2 == 0:  # gates, and what they are multiplied with
        yield list(value.chunk(2))
    if value.ndim == 3 and value.numel():
        yield list(value)
        yield [half for expert in value for half in expert.chunk(2)]


def _stored_names(name: str, value: Tensor, known: Mapping[Key, set[str]]) -> set[str]:
    """Under which names the files hold a weight in memory; none when they do not."""
    for pieces in _ways_to_store(value):
        names = [known.get(_key_in_memory(name, piece), set()) for piece in pieces]
        if all(names):
            return set().union(*names)
    return set()


def _stored(
    folder: Path, dtypes: Mapping[tuple[int, ...], set[torch.dtype]]
) -> dict[Key, set[str]]:
    """Names of stored weights by what they look like in memory.

    Args:
        folder: with the files.
        dtypes: by shape, of the weights in memory: what is stored may have been cast.
    """
    known: dict[Key, set[str]] = {}
    for name, shape, values in stored_weights(folder):
        kinds = dtypes.get(shape, set())
        keys = [_key(name, shape, cast) for cast in _casts(values, kinds)]
        if not _LAYER.search(name):  # parts that are numbered in the file may have names in memory
            keys += [("", *key[1:]) for key in keys]
        for key in (*keys, _key(name, shape, None)):  # without values: of one that is offloaded
            known.setdefault(key, set()).add(name)
    return known


def _casts(values: Tensor, dtypes: Iterable[torch.dtype]) -> Iterator[Tensor]:
    for dtype in dtypes:
        if dtype == values.dtype or (dtype.is_floating_point and values.is_floating_point()):
            yield values.to(dtype)


def _key_in_memory(name: str, value: Tensor) -> Key:
    return _key(name, tuple(value.shape), None if value.is_meta else sampled(value))


def _key(name: str, shape: tuple[int, ...], values: Tensor | None) -> Key:
    number = _NUMBER.search(name)
    digest = b"" if values is None else hashlib.sha256(_bytes(values)).digest()
    return number[1] if number else "", shape, digest


def _digest(state: Mapping[str, Any]) -> str:
    """Of names, shapes, dtypes and samples, in hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(state):
        for part in _parts(state[name]):
            digest.update(f"{name}:".encode())
            if isinstance(part, Tensor):
                digest.update(f"{tuple(part.shape)}:{part.dtype}:".encode())
                digest.update(b"" if part.is_meta else _bytes(sampled(part)))
            else:
                digest.update(repr(part).encode())
    return digest.hexdigest()[:_DIGITS]


def _parts(value: Any) -> Iterator[Any]:
    """Plain tensors and values that an entry of a state is made of, whoever quantised it."""
    if isinstance(value, tuple | list):
        for each in value:
            yield from _parts(each)
    elif not isinstance(value, Tensor):
        yield value
    elif value.is_quantized:
        yield str(value.qscheme())
        yield value.int_repr()
        per_tensor = value.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric)
        yield value.q_scale() if per_tensor else value.q_per_channel_scales()
    elif hasattr(value, "__tensor_flatten__"):
        for name in value.__tensor_flatten__()[0]:
            yield from _parts(getattr(value, name))
    else:
        yield value


def _bytes(values: Tensor) -> bytes:
    return bytes(values.contiguous().view(torch.uint8).numpy())
