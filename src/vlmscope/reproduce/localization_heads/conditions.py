"""How a phrase and an image are given to a model: prompt and placement."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.models import LoadedModel

__all__ = ["Condition", "conditions_of"]

_PAPER, _CHAT = "paper", "chat"


@dataclass(frozen=True)
class Condition:
    """One way.

    Attributes:
        preset: of the prompt: ``paper``, that of the authors' code, or ``chat``.
        placement: how an image is fitted: ``pad`` to a square, or as the ``processor`` does.
    """

    preset: str
    placement: str

    @property
    def id(self) -> str:
        """``paper-pad``."""
        return f"{self.preset}-{self.placement}"


def conditions_of(model: LoadedModel) -> tuple[Condition, ...]:
    """Every prompt and placement of a model's family; the first is the paper's own.

    Where a family cannot write the prompt of the paper's code, its own default stands in its place.
    """
    presets = [each for each in (_PAPER, _CHAT) if each in model.family.presets]
    presets = presets or [model.resolve_preset(None)]
    return tuple(
        Condition(preset, placement) for preset in presets for placement in model.family.placements
    )
