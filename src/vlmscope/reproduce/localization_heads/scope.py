"""How much of the paper is put to the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vlmscope.options import CheckedOptions, option

__all__ = ["SAMPLES", "SUBSET", "Scope"]

SAMPLES = 1000
"""Sentences that heads are discovered on, as in the paper."""

SUBSET = 300
"""Images of the validation split for everything beside the paper's table, unless all are asked for."""


@dataclass(frozen=True)
class Scope(CheckedOptions):
    """What is run, beside models and data.

    Raises:
        BadOptionError: a number out of range.
    """

    limit: int | None = option(
        None, "only the first images of each split", at_least=1, whole=True, optional=True
    )
    full: bool = option(
        False,
        "ablations on all of the validation split, every prompt and placement on the whole table",
    )
    partial: bool = option(False, "take splits that are cut short")
    seed: int = option(0, "of the draws", at_least=0, whole=True)

    def reservations(self) -> tuple[str, ...]:
        """Why nothing that is measured under it decides a claim."""
        return () if self.limit is None else (f"only the first {self.limit} images",)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"limit": self.limit, "full": self.full, "partial": self.partial, "seed": self.seed}
