"""What weights become and where they go: a dtype; one device, or several by accelerate."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vlmscope.errors import BadOptionError, MissingExtraError, ModelLoadError, UnknownNameError
from vlmscope.models.loading.fast_dtype import FAST, fast_dtype

if TYPE_CHECKING:
    import torch

__all__ = ["DeviceMap", "WeightPlan", "plan_weights"]


DeviceMap = str | Mapping[str, Any]

_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")


@dataclass(frozen=True)
class WeightPlan:
    """What is done with weights while they are loaded.

    Attributes:
        dtype: a torch dtype, or ``"auto"``: as stored.
        device_map: what transformers and accelerate are given while loading; None: nothing.
        device: where the loaded model is moved; None: it stays where it was put.
    """

    dtype: Any = "auto"
    device_map: Any = None
    device: torch.device | None = None


def plan_weights(
    dtype: torch.dtype | str | None,
    device: str | torch.device | None,
    device_map: DeviceMap | None = None,
    *,
    quantised: str | None = None,
    widened: bool = False,
) -> WeightPlan:
    """Decide what weights become and where they go.

    Args:
        dtype: a dtype or its name, ``"fast"``: what the device computes natively; None: as stored.
        device: one device; ``"auto"`` is short for ``device_map="auto"``; None: a GPU if there is
            one.
        device_map: accelerate's: ``auto``, ``balanced``, ``balanced_low_0``, ``sequential``, or
            module name -> device.
        quantised: how the weights are quantised; None: they are not.
        widened: no dtype means float32: weights that are stored in half precision to be small.

    Raises:
        UnknownNameError: no name of a dtype, a device or a map.
        BadOptionError: both a device and a map, or a map of the wrong kind.
        ModelLoadError: a device that this machine does not have.
        MissingExtraError: a map, or quantised weights, without accelerate.
    """
    if device == "auto" and device_map is None:
        device, device_map = None, "auto"
    numbers = _as_dtype(dtype, widened, None if device_map is not None else device)
    if device_map is not None:
        return WeightPlan(numbers, _checked_map(device_map, device))
    target = _as_device(device)
    if quantised is None:
        return WeightPlan(numbers, device=target)
    # several quantisers forbid moving the weights later, so they are put in place at once
    _need_accelerate(f"A model quantised by {quantised}")
    return WeightPlan(numbers, {"": target})


def _checked_map(device_map: DeviceMap, device: str | torch.device | None) -> DeviceMap:
    if device is not None:
        raise BadOptionError(
            f"Both device={str(device)!r} and device_map={device_map!r} were given. Give one: a "
            "device for the whole model, or a map that spreads it."
        )
    if isinstance(device_map, str) and device_map not in _MAPS:
        raise UnknownNameError(
            "device map", device_map, _MAPS, "Or give a dictionary of module name -> device."
        )
    if not isinstance(device_map, str | Mapping) or not device_map:
        raise BadOptionError(
            f"device_map is one of {', '.join(_MAPS)} or a dictionary of module name -> device, got "
            f"{device_map!r}."
        )
    _need_accelerate("device_map")
    return device_map if isinstance(device_map, str) else dict(device_map)


def _need_accelerate(purpose: str) -> None:
    if importlib.util.find_spec("accelerate") is None:
        raise MissingExtraError("accelerate", "accelerate", purpose)


def _as_dtype(
    dtype: torch.dtype | str | None, widened: bool, device: str | torch.device | None
) -> Any:
    """A dtype by its name; None: as stored (``"auto"``), float32 where it is to be ``widened``.

    ``"fast"`` is what ``device`` computes fastest, that of the first GPU or the processor for None.

    Raises:
        UnknownNameError: another name.
    """
    import torch

    if dtype is None:
        return torch.float32 if widened else "auto"
    if isinstance(dtype, torch.dtype) or dtype == "auto":
        return dtype
    if dtype == FAST:
        return fast_dtype(_as_device(device))[0]
    known = {
        "float32": torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }
    if dtype not in known:
        raise UnknownNameError("dtype", dtype, [*known, "auto", FAST])
    return known[dtype]


def _as_device(device: str | torch.device | None) -> torch.device:
    """A device that is there; None: the first GPU, else the processor.

    Raises:
        UnknownNameError: no name of a device.
        ModelLoadError: a device that this machine does not have.
    """
    import torch

    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        known = ["cpu", "cuda", "cuda:0", "mps", "auto"]
        raise UnknownNameError("device", device, known) from error
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted.type == "cuda" and count == 0:
        raise ModelLoadError(
            f"The device {device} was asked for, but torch sees no CUDA GPU. Use device='cpu'."
        )
    if wanted.type == "cuda" and (wanted.index or 0) >= count:
        raise ModelLoadError(
            f"The device {device} was asked for, but torch sees {count} GPU(s), counted from 0."
        )
    if wanted.type == "mps" and not torch.backends.mps.is_available():
        raise ModelLoadError(
            f"The device {device} was asked for, but torch sees no Apple GPU. Use device='cpu'."
        )
    return wanted
