"""The configuration that a class of transformers is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["config_for"]


def config_for(kind: Any, path: str, options: Mapping[str, Any]) -> Any:
    """What the checkpoint says of it: of a model of several parts, its own part.

    Args:
        kind: a class with weights, or an auto class, which takes the whole.
        path: a folder.
        options: for transformers.
    """
    from transformers import AutoConfig

    own = getattr(kind, "config_class", None)
    return (own or AutoConfig).from_pretrained(path, **options)
