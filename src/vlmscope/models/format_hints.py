"""Weights of a covered family in a format that nothing here reads, and what to give instead."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FormatHint"]


@dataclass(frozen=True)
class FormatHint:
    """One such format, told by the model type in its ``config.json``: the authors' own code's.

    Attributes:
        instead: ids of the same weights in transformers' format.
        model_type: what it names.
    """

    instead: str
    model_type: str
