"""Options of the refinement of masks."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.options import check_options

__all__ = ["PROMPTS", "RefineOptions"]

PROMPTS = ("box", "point", "both")
"""What of a Grounding may prompt SAM."""


@dataclass(frozen=True)
class RefineOptions:
    """How SAM is asked, and what is taken from its masks."""

    prompt: str = field(
        default="box",
        metadata={"choices": PROMPTS, "help": "what of a Grounding prompts SAM"},
    )
    multimask: bool = field(
        default=True,
        metadata={
            "help": "let SAM give several masks (whole, part, subpart) and take the one that it "
            "rates best; else its single mask"
        },
    )
    tight_box: bool = field(
        default=False,
        metadata={"help": "put the box around the refined mask; else it stays the method's"},
    )

    def __post_init__(self) -> None:
        check_options(self)
