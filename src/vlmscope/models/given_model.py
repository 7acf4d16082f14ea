"""The one check of the argument that every public function takes first: a model."""

from __future__ import annotations

import os
from typing import Any

from torch import nn

from vlmscope.errors import BadOptionError

__all__ = ["check_model"]


def check_model(model: Any) -> None:
    """Refuse what stands in place of a model.

    Raises:
        BadOptionError: a name, a model of transformers, or anything else; says how to get one.
    """
    if isinstance(model, str | os.PathLike):
        name = os.fspath(model)
        raise BadOptionError(
            f"A loaded model is needed, got the name {name!r}: load it once, "
            f"model = vs.load({name!r}), and give that."
        )
    if isinstance(model, nn.Module):
        raise BadOptionError(
            f"A loaded model is needed, got a {type(model).__name__} of its own: wrap it with its "
            "processor, vs.from_pretrained_model(model, processor)."
        )
    if not hasattr(model, "id"):
        raise BadOptionError(
            f"A loaded model is needed, got {type(model).__name__}: vs.load(...) gives one, for "
            "example vs.load('tiny-llava')."
        )
