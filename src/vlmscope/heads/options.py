"""Options of discovery and of grounding."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.attention import ROWS
from vlmscope.options import CheckedOptions, option
from vlmscope.post import PostOptions

__all__ = ["CRITERIA", "ENTROPIES", "DiscoveryOptions", "LocalizationHeadsOptions"]

CRITERIA = (
    *("both", "sum", "entropy"),
    *("published", "image-mass", "contrastive", "coordinates"),
)
ENTROPIES = ("area", "mass")

_OTHER_NAMES = {"published": "both", "image-mass": "sum"}


@dataclass(frozen=True)
class DiscoveryOptions(CheckedOptions):
    """How localization heads are discovered (docs/methods/localization-heads.md, Discovery).

    The metadata of every field holds its help text and what it takes.

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: a number out of range.
    """

    k: int = option(3, "how many heads make the set", at_least=1, whole=True)
    candidates: int = option(10, "heads that are marked in each sample", at_least=1, whole=True)
    skip_layers: int = option(2, "first decoder layers that are left out", at_least=0, whole=True)
    criterion: str = option(
        "both",
        "attention sum, then spatial entropy (both, published); one of them alone (sum or image-mass, "
        "entropy), far worse in the paper; how far a map moves between two phrases of a picture "
        "(contrastive); or both of the rows that predict a box the model writes (coordinates)",
        choices=CRITERIA,
    )
    entropy: str = option(
        "area",
        "what a component weighs: its cells (area, the paper) or its attention above "
        "the mean (mass, the public code)",
        choices=ENTROPIES,
    )
    bottom_row: bool = option(
        False, "drop maps whose bottom row is lit: attention sinks live there"
    )
    trials: int = option(5, "random draws of samples to average over", at_least=1, whole=True)
    draw: float = option(
        0.8,
        "share of the samples that each trial draws, without replacement",
        at_least=0.01,
        at_most=1.0,
    )
    rows: str = option(
        "last_text",
        "the read-out row: last token of the expression (published), of the whole "
        "prompt, the mean over the expression, or over a given answer",
        choices=ROWS,
    )
    preset: str | None = option(None, "preset of the prompt; None: the family's default")
    placement: str | None = option(None, "how images are fitted; None: the family's default")
    seed: int = option(0, "of the trials' draws", at_least=0, whole=True)
    resamples: int = option(1000, "bootstrap resamples of the intervals", at_least=1, whole=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.criterion in _OTHER_NAMES:  # one name each in what is written down
            object.__setattr__(self, "criterion", _OTHER_NAMES[self.criterion])


@dataclass(frozen=True)
class LocalizationHeadsOptions(PostOptions):
    """How a phrase is grounded: the post-processing, and which of the heads are read."""

    k: int | None = option(
        None,
        "read only the first k heads of the set; None: all of them",
        at_least=1,
        whole=True,
        optional=True,
    )
    greedy: bool = option(
        False,
        "choose the lowest-entropy heads anew for every phrase among those that pass "
        "the set's tau: an ablation, much worse in the paper",
    )
