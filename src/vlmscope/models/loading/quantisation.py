"""How a model's weights are quantised, by its configuration or by what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ["quantisation", "quantisation_of"]

# packages whose layers or tensors take the place of plain ones, without a word in the configuration
_BY_PACKAGE = {
    "torchao": "torchao",
    "optimum.quanto": "quanto",
    "quanto": "quanto",
    "bitsandbytes": "bitsandbytes",
    "torch.ao.nn.quantized.dynamic": "dynamic int8",
    "torch.ao.nn.quantized": "static int8",
}


def quantisation(config: Any) -> str | None:
    """How a configuration says that its weights are quantised, for example ``"bitsandbytes 4-bit"``.

    Args:
        config: a configuration of transformers, or the dictionary in ``config.json``.
    """
    scheme = _entry(config, "quantization_config")
    if not scheme:
        scheme = _entry(_entry(config, "text_config"), "quantization_config")
    if not scheme:
        return None
    method = _entry(scheme, "quant_method")
    method = str(getattr(method, "value", method) or "an unnamed method")
    if _entry(scheme, "load_in_4bit"):
        return f"{method} 4-bit"
    if _entry(scheme, "load_in_8bit"):
        return f"{method} 8-bit"
    bits = _entry(scheme, "bits")
    return f"{method} {bits}-bit" if bits else method


def quantisation_of(model: nn.Module) -> str | None:
    """How a loaded model is quantised: as its configuration says, else told by layers and weights.

    torchao, quanto and torch's dynamic quantisation change a loaded model and leave its configuration
    as it was.
    """
    stated = quantisation(getattr(model, "config", None))
    if stated is not None:
        return stated
    for module in model.modules():
        for part in (module, *module.parameters(recurse=False)):
            # torchao keeps plain parameters whose data is a tensor of its own class
            for kind in (type(part), type(getattr(part, "data", None))):
                scheme = _scheme_of(kind.__module__)
                if scheme is not None:
                    return scheme
    return None


def _scheme_of(module: str) -> str | None:
    for package, scheme in _BY_PACKAGE.items():
        if module == package or module.startswith(f"{package}."):
            return scheme
    return None


def _entry(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)
