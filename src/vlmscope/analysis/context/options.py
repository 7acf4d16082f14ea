"""How a sweep over contexts asks."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.options import CheckedOptions, option

__all__ = ["ContextOptions"]


@dataclass(frozen=True)
class ContextOptions(CheckedOptions):
    """How pictures are read and questions asked, as the keywords of ``context_sweep``."""

    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(32, "longest answer, in tokens", at_least=1, whole=True)
    seed: int = option(0, "of the random control and of the intervals", at_least=0, whole=True)
