"""How much memory a model takes, from its configuration alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vlmscope.errors import ModelLoadError

__all__ = ["BYTES", "Footprint", "footprint"]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one parameter by dtype."""


@dataclass(frozen=True)
class Footprint:
    """What a model needs before it sees its first image.

    Attributes:
        model: as asked for.
        model_type: of its configuration.
        parameters: how many.
        stored: dtype it is stored in, or None.
    """

    model: str
    model_type: str
    parameters: int
    stored: str | None

    def weights(self) -> dict[str, int]:
        """Bytes of the weights by dtype."""
        return {name: self.parameters * size for name, size in BYTES.items()}


def footprint(name: str) -> Footprint:
    """Count a model's parameters without loading them.

    Raises:
        ModelLoadError: when its configuration cannot be read or describes no such model.
    """
    import torch
    from transformers import AutoConfig

    try:
        config: Any = AutoConfig.from_pretrained(_source(name))
        with torch.device("meta"):  # shapes without storage
            model = _build(config)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split()).partition(". ")[0].rstrip(".")[:200]
        raise ModelLoadError(
            f"The configuration of {name!r} cannot be read: {reason}. Give an embedded id, a folder "
            "with a config.json, or a hub id that is cached or can be reached."
        ) from error
    counted = sum(parameter.numel() for parameter in model.parameters())
    stored = getattr(config, "dtype", None)
    return Footprint(
        name, config.model_type, counted, str(stored).removeprefix("torch.") if stored else None
    )


def _build(config: Any) -> Any:
    from transformers import AutoModel, AutoModelForImageTextToText

    try:
        return AutoModelForImageTextToText.from_config(config)
    except ValueError:  # a model that only encodes
        return AutoModel.from_config(config)


def _source(name: str) -> str:
    from vlmscope.tiny import EMBEDDED, embedded_path

    return str(embedded_path(name)) if name in EMBEDDED else name
