"""torchvision and timm, which a few models of transformers need and nothing here installs."""

from __future__ import annotations

from vlmscope.errors import UnsupportedError

__all__ = ["need_timm", "need_torchvision"]


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


def need_timm(what: str, instead: str) -> None:
    """Refuse a checkpoint whose vision tower cannot be built here.

    Args:
        what: the checkpoint and what it is, to begin the message with.
        instead: what to do without it, to end the message with.

    Raises:
        UnsupportedError: timm is not installed, or torchvision, without which it cannot be imported.
    """
    from transformers import utils

    here = {"timm": utils.is_timm_available(), "torchvision": utils.is_torchvision_available()}
    lacking = [name for name, installed in here.items() if not installed]
    if not lacking:
        return
    import torch

    raise UnsupportedError(
        f"{what}, whose vision tower is one of timm's, which needs torchvision too; not installed: "
        f"{', '.join(lacking)}. Install timm and the build of torchvision that belongs to torch "
        f"{torch.__version__}, or {instead}."
    )
