"""torchvision, which a few image processors of transformers need and nothing here installs."""

from __future__ import annotations

from vlmscope.errors import UnsupportedError

__all__ = ["need_torchvision"]


def need_torchvision(what: str, instead: str) -> None:
    """Refuse a checkpoint whose images cannot be prepared here.

    Args:
        what: the checkpoint and what it is, to begin the message with.
        instead: what to do without it, to end the message with.

    Raises:
        UnsupportedError: torchvision is not installed; names the torch that its build belongs to.
    """
    from transformers import utils

    if utils.is_torchvision_available():
        return
    import torch

    raise UnsupportedError(
        f"{what}, whose image processor needs torchvision, which is not installed. Install the "
        f"build of torchvision that belongs to torch {torch.__version__}, or {instead}."
    )
