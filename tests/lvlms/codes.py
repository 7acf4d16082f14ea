"""What builders share whose image tokens are codes of a VQ-GAN."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["keep_to_cells"]


def keep_to_cells(encoder: nn.Module, *mixing: str) -> None:
    """Make what is quantised depend on the cell's own pixels and on nothing else.

    Args:
        encoder: of convolutions whose kernels are three wide.
        mixing: names that parts end in whose output is added to what they were given.
    """
    for name, part in list(encoder.named_modules()):
        if isinstance(part, nn.GroupNorm) and type(part) is nn.GroupNorm:
            parent, _, last = name.rpartition(".")
            setattr(encoder.get_submodule(parent), last, nn.Identity())  # it looks at every cell
        if isinstance(part, nn.Conv2d | nn.Conv3d) and part.kernel_size[-1] == 3:
            # a stride of two takes rows 2i and 2i + 1, which are in one cell, and the one behind
            kept = torch.tensor([1.0, 1.0, 0.0] if part.stride[-1] == 2 else [0.0, 1.0, 0.0])
            part.weight.data *= kept[:, None] * kept
            sizes = part.weight.data.flatten(1).norm(dim=1)
            part.weight.data /= sizes.view(
                -1, *[1] * (part.weight.ndim - 1)
            )  # changes stay as large
        if name.endswith(mixing):
            part.weight.data.zero_()
            part.bias.data.zero_()
