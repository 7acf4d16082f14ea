"""Options of discovery and of grounding."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.attention import ROWS
from vlmscope.options import CheckedOptions
from vlmscope.post import PostOptions

__all__ = ["CRITERIA", "ENTROPIES", "DiscoveryOptions", "LocalizationHeadsOptions"]

CRITERIA = ("both", "sum", "entropy")
ENTROPIES = ("area", "mass")


@dataclass(frozen=True)
class DiscoveryOptions(CheckedOptions):
    """How localization heads are discovered (docs/methods/localization-heads.md, Discovery).

    The metadata of every field holds its help text and what it takes.

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: a number out of range.
    """

    k: int = field(
        default=3, metadata={"at_least": 1, "whole": True, "help": "how many heads make the set"}
    )
    candidates: int = field(
        default=10,
        metadata={"at_least": 1, "whole": True, "help": "heads that are marked in each sample"},
    )
    skip_layers: int = field(
        default=2,
        metadata={"at_least": 0, "whole": True, "help": "first decoder layers that are left out"},
    )
    criterion: str = field(
        default="both",
        metadata={
            "choices": CRITERIA,
            "help": "attention sum, then spatial entropy (both, published), or one of them alone: "
            "an ablation, far worse in the paper",
        },
    )
    entropy: str = field(
        default="area",
        metadata={
            "choices": ENTROPIES,
            "help": "what a component weighs: its cells (area, the paper) or its attention above "
            "the mean (mass, the public code)",
        },
    )
    bottom_row: bool = field(
        default=False,
        metadata={"help": "drop maps whose bottom row is lit: attention sinks live there"},
    )
    trials: int = field(
        default=5,
        metadata={"at_least": 1, "whole": True, "help": "random draws of samples to average over"},
    )
    draw: float = field(
        default=0.8,
        metadata={
            "at_least": 0.01,
            "at_most": 1.0,
            "help": "share of the samples that each trial draws, without replacement",
        },
    )
    rows: str = field(
        default="last_text",
        metadata={
            "choices": ROWS,
            "help": "the read-out row: last token of the expression (published), of the whole "
            "prompt, the mean over the expression, or over a given answer",
        },
    )
    preset: str | None = field(
        default=None, metadata={"help": "preset of the prompt; None: the family's default"}
    )
    placement: str | None = field(
        default=None, metadata={"help": "how images are fitted; None: the family's default"}
    )
    seed: int = field(
        default=0, metadata={"at_least": 0, "whole": True, "help": "of the trials' draws"}
    )
    resamples: int = field(
        default=1000,
        metadata={"at_least": 1, "whole": True, "help": "bootstrap resamples of the intervals"},
    )


@dataclass(frozen=True)
class LocalizationHeadsOptions(PostOptions):
    """How a phrase is grounded: the post-processing, and which of the heads are read."""

    k: int | None = field(
        default=None,
        metadata={
            "at_least": 1,
            "whole": True,
            "optional": True,
            "help": "read only the first k heads of the set; None: all of them",
        },
    )
    greedy: bool = field(
        default=False,
        metadata={
            "help": "choose the lowest-entropy heads anew for every phrase among those that pass "
            "the set's tau: an ablation, much worse in the paper"
        },
    )
