"""Models are looked into, never trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

__all__ = ["frozen"]


@contextlib.contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """No gradients and no dropout inside; the training flags are put back after."""
    training = [module for module in model.modules() if module.training]
    try:
        if training:
            model.eval()
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
