"""Processor and empty model of a checkpoint, in whichever of the formats it is that are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from vlmscope.models.loading.original_llava import OriginalLlava, is_original_llava
from vlmscope.models.loading.original_llava.names import DECODER
from vlmscope.models.loading.processors import family_processor
from vlmscope.models.loading.sources import Source

__all__ = ["empty_model", "processor_of", "renamings"]


def processor_of(source: Source, family: object) -> Any:
    """The processor of a pinned checkpoint; what fails is left as transformers raises it.

    Args:
        source: the checkpoint.
        family: of its model.
    """
    if is_original_llava(source.config):
        return OriginalLlava.of(source).processor
    return family_processor(source.name, source.path, source.options, family)


def empty_model(source: Source, build: Callable[[Any], Any]) -> Any:
    """The model of a pinned checkpoint with shapes but without storage.

    Args:
        source: the checkpoint.
        build: makes it of transformers' configuration.
    """
    import torch
    from transformers import AutoConfig

    original = OriginalLlava.of(source) if is_original_llava(source.config) else None
    config = (
        original.config if original else AutoConfig.from_pretrained(source.path, **source.options)
    )
    with torch.device("meta"):
        return original.empty() if original else build(config)


def renamings(source: Source) -> Mapping[str, str]:
    """Patterns of names that a checkpoint has for its decoder's layers, to those of the model."""
    if not is_original_llava(source.config):
        return MappingProxyType({})
    return MappingProxyType({f"^{DECODER}": f"model.language_model.{DECODER.split('.')[1]}."})
