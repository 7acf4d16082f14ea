"""Options of the refinement of masks."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.options import CheckedOptions, option

__all__ = ["PROMPTS", "RefineOptions"]

PROMPTS = ("box", "point", "both", "mask")
"""What of a Grounding may prompt SAM."""


@dataclass(frozen=True)
class RefineOptions(CheckedOptions):
    """How SAM is asked, and what is taken from its masks."""

    prompt: str = option("box", "what of a Grounding prompts SAM", choices=PROMPTS)
    multimask: bool = option(
        True,
        "let SAM give several masks (whole, part, subpart) and take the one that it "
        "rates best; else its single mask",
    )
    tight_box: bool = option(
        False, "put the box around the refined mask; else it stays the method's"
    )
