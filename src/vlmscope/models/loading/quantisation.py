"""How a configuration says that its weights are quantised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["quantisation"]


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


def _entry(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)
