"""Projectors of the original LLaVA code that transformers' class does not have."""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import Tensor, nn

from vlmscope.models.loading.original_llava.settings import PROJECTOR

__all__ = ["Projector", "model_class", "needs_own_projector"]

_PLAIN = "mlp2x_gelu"


class Projector(nn.Module):
    """Linear parts with GELU between them; in Yi-VL a norm after each.

    Its parts are numbered as in the original checkpoints.

    Args:
        kind: ``mm_projector_type``.
        inner: width of the vision tower.
        outer: width of the decoder.
    """

    def __init__(self, kind: str, inner: int, outer: int) -> None:
        super().__init__()
        match = PROJECTOR.match(kind)
        assert match is not None  # settings are checked
        parts: list[nn.Module] = []
        for number in range(int(match["depth"] or 1)):
            parts += [nn.GELU()] * (number > 0)
            parts.append(nn.Linear(outer if number else inner, outer))
            parts += [nn.LayerNorm(outer)] if match["norm"] else []
        self.parts = nn.ModuleList(parts)

    def forward(self, features: Tensor) -> Tensor:
        """The tower's features (..., inner) as the decoder's (..., outer)."""
        for part in self.parts:
            features = part(features)
        return features


def needs_own_projector(kind: str) -> bool:
    """Whether transformers' own projector (two linear parts, GELU between) is another one."""
    return kind != _PLAIN


def model_class(kind: str) -> Any:
    """transformers' LLaVA, with the projector that a checkpoint has."""
    from transformers import LlavaForConditionalGeneration

    return _with_projector(kind) if needs_own_projector(kind) else LlavaForConditionalGeneration


@cache
def _with_projector(kind: str) -> Any:
    from transformers import LlavaForConditionalGeneration

    class OriginalProjector(LlavaForConditionalGeneration):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            inner, outer = config.vision_config.hidden_size, config.text_config.hidden_size
            self.model.multi_modal_projector = Projector(kind, inner, outer)

    OriginalProjector.__name__ = "LlavaForConditionalGeneration"
    return OriginalProjector
