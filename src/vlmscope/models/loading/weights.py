"""Load a model's weights, and refuse those that are not all there."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.errors import ModelLoadError
from vlmscope.io import is_file, parse_json
from vlmscope.models.loading.devices import WeightPlan
from vlmscope.models.spare_weights import SpareWeights, unexplained

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = [
    "ELEMENT_BYTES",
    "check_complete",
    "check_shapes",
    "check_used",
    "check_weight_files",
    "count_parameters",
    "load_weights",
    "weight_files",
]


ELEMENT_BYTES: Mapping[str, float] = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("F4", "F4_E2M1"), 0.5),
}
"""Bytes of one element by its dtype, as safetensors spells it."""

_LENGTH = 8  # a file starts with the size of its header, a little-endian 64-bit integer

_SINGLE = "model.safetensors"

_INDEX = "model.safetensors.index.json"

_LISTED = 5


def load_weights(
    name: str,
    path: str,
    auto_class: str,
    options: Mapping[str, Any],
    plan: WeightPlan,
    spare: Iterable[SpareWeights] = (),
) -> PreTrainedModel:
    """Load a model in evaluation mode and put it where it is used.

    Args:
        name: for messages.
        path: a folder, or an id on the hub.
        auto_class: the class of transformers that loads it.
        options: for transformers: ``revision``, ``trust_remote_code``.
        plan: what the weights become and where they go.
        spare: what may be left over, see :mod:`vlmscope.models.spare_weights`.

    Raises:
        ModelLoadError: weights that are missing, left over, or of other shapes than the configuration
            says.
    """
    import transformers

    auto = getattr(transformers, auto_class)
    spread = {} if plan.device_map is None else {"device_map": plan.device_map}
    hf, report = auto.from_pretrained(
        path,
        **options,
        **spread,
        dtype=plan.dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused below, with names and shapes
    )
    check_shapes(name, report["mismatched_keys"])
    left = unexplained(report["unexpected_keys"], spare)
    check_complete(name, report["missing_keys"], left)
    check_used(name, left)
    if plan.device is not None:
        hf.to(plan.device)
    model: PreTrainedModel = hf.eval()
    return model


def check_complete(name: str, missing: Collection[str], left: Collection[str]) -> None:
    """Raise ModelLoadError for weights that are missing.

    transformers fills them with random numbers and only warns.
    """
    if not missing:
        return
    unused = f" It holds {len(left)} that fit nowhere: {_listed(left)}." if left else ""
    raise ModelLoadError(
        f"{name} lacks {len(missing)} of the weights that its config.json asks for: "
        f"{_listed(missing)}.{unused} They would be random numbers. Fetch the checkpoint again, or "
        "give one whose weights and config.json belong together."
    )


def check_used(name: str, left: Collection[str]) -> None:
    """Raise ModelLoadError for weights that fit nowhere.

    transformers leaves them out and only warns: half a model answers otherwise.
    """
    if not left:
        return
    raise ModelLoadError(
        f"{name} holds {len(left)} weights that fit nowhere in the model of its config.json: "
        f"{_listed(left)}. Without them it is not the model that was trained. Fetch the checkpoint "
        "again, or give one whose weights and config.json belong together."
    )


def check_shapes(name: str, mismatched: Collection[tuple[str, Any, Any]]) -> None:
    """Raise ModelLoadError for weights (name, shape stored, shape expected) of another shape."""
    if not mismatched:
        return
    key, stored, wanted = min(mismatched, key=lambda each: each[0])
    raise ModelLoadError(
        f"{len(mismatched)} weights of {name} have other shapes than its config.json says, for "
        f"example {key}: {_shape(stored)} stored, {_shape(wanted)} expected. The two were made for "
        "different models: fetch the checkpoint again."
    )


def _listed(keys: Collection[str]) -> str:
    more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
    return ", ".join(sorted(keys)[:_LISTED]) + more


def _shape(shape: Any) -> str:
    return "x".join(map(str, shape))


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that transformers would read; all in the folder when none has its name.

    Raises:
        ModelLoadError: an index that is no JSON, or that names a file which is not there.
    """
    if (folder / _SINGLE).is_file():  # others beside it are the same weights in another format
        return [folder / _SINGLE]
    index = folder / _INDEX
    if not index.is_file():
        return sorted(folder.glob("*.safetensors"))
    try:
        named = sorted(set(parse_json(index.read_text(encoding="utf-8"))["weight_map"].values()))
        if not all(isinstance(name, str) for name in named):
            raise TypeError("a file has no name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelLoadError(
            f"The index of weights {index} cannot be read ({error!r}). Fetch it again."
        ) from error
    absent = [name for name in named if not is_file(folder / name)]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise ModelLoadError(
            f"{len(absent)} of the {len(named)} weights files in {folder} are missing: "
            f"{', '.join(absent[:3])}{more}. Fetch the checkpoint again."
        )
    return [folder / name for name in named]


def check_weight_files(folder: Path) -> None:
    """Refuse a folder with a weights file that is cut off; reads headers alone.

    Raises:
        ModelLoadError: names the file, its size and the size that its header speaks of.
    """
    for file in weight_files(folder):
        read_header(file)


def count_parameters(headers: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Elements by dtype (as safetensors spells it) over all tensors of some headers."""
    elements: Counter[str] = Counter()
    for header in headers:
        for tensor in header.values():
            elements[tensor["dtype"]] += math.prod(tensor["shape"])
    return dict(elements)


def read_header(file: Path) -> dict[str, dict[str, Any]]:
    """Tensors of one file by name: ``dtype``, ``shape`` and ``data_offsets``.

    Raises:
        ModelLoadError: a file that is shorter than its header says, or has no readable header.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        text = stream.read(length) if length <= size else b""
    try:
        header = json.loads(text)
        header.pop("__metadata__", None)
        data = max((_end(tensor) for tensor in header.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelLoadError(
            f"The weights file {file} ({size} bytes) has no readable header: it is damaged or no "
            "safetensors file. Delete it and fetch it again."
        ) from error
    expected = _LENGTH + length + data
    if size < expected:
        raise ModelLoadError(
            f"The weights file {file} is cut off: it has {size} bytes, and its header speaks of "
            f"{expected}. Delete it and fetch it again."
        )
    return header  # type: ignore[no-any-return]


def _end(tensor: Any) -> int:
    """Where the values of a header's tensor end; ValueError for one that nobody could read."""
    begin, end = tensor["data_offsets"]
    numbers = [begin, end, *tensor["shape"]]
    if not isinstance(tensor["dtype"], str) or not all(type(each) is int for each in numbers):
        raise ValueError(tensor)
    return end  # type: ignore[no-any-return]
