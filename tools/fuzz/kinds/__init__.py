"""The kinds of input, each a strategy of hypothesis; registered here, one file for what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from tools.fuzz.drawing import drawn
from tools.fuzz.inputs import Input
from tools.fuzz.kinds.arguments import arguments
from tools.fuzz.kinds.checkpoints import cards, configs, processors, tokenizers
from tools.fuzz.kinds.head_sets import head_sets
from tools.fuzz.kinds.images import images
from tools.fuzz.kinds.panoptic import panoptic
from tools.fuzz.kinds.rows import questions, samples
from tools.fuzz.kinds.states import states
from tools.fuzz.kinds.weights import weights
from tools.fuzz.kinds.words import word_lists

__all__ = ["KINDS", "Kind", "make"]


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        strategy: gives the strategy of its inputs.
        weight: its share of a round, in parts of the sum of all.
    """

    strategy: Callable[[], st.SearchStrategy[Input]]
    weight: int


KINDS: Mapping[str, Kind] = {
    "image": Kind(images, 22),
    "samples": Kind(samples, 12),
    "questions": Kind(questions, 8),
    "heads": Kind(head_sets, 12),
    "config": Kind(configs, 10),
    "processor": Kind(processors, 8),
    "tokenizer": Kind(tokenizers, 6),
    "card": Kind(cards, 3),
    "weights": Kind(weights, 5),
    "words": Kind(word_lists, 10),
    "panoptic": Kind(panoptic, 8),
    "state": Kind(states, 3),
    "arguments": Kind(arguments, 8),
}
"""Name -> kind."""


def make(kind: str, number: str) -> Input:
    """The input of a number, always the same one."""
    return drawn(_strategy(kind), kind, number)


@cache
def _strategy(kind: str) -> st.SearchStrategy[Input]:
    return KINDS[kind].strategy()
