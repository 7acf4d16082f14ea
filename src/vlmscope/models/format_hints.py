"""Weights of a covered family in a format that transformers does not read, and what to give instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FormatHint"]


@dataclass(frozen=True)
class FormatHint:
    """One such format, told by its ``config.json``.

    Attributes:
        instead: ids of the same weights in transformers' format.
        model_type: what it names; ``""``: the same as transformers, so that an entry has to tell.
        entry: the name of an entry that it has in place of ``vision_config``.
        origin: whose format it is.
    """

    instead: str
    model_type: str = ""
    entry: str = ""
    origin: str = "the authors' own code"

    def fits(self, config: Mapping[str, Any]) -> bool:
        """Whether a ``config.json`` is in this format."""
        if self.entry:
            return self.entry in config and "vision_config" not in config
        return config.get("model_type") == self.model_type

    def refusal(self, name: str) -> str:
        """The message for a model of the same type as transformers', told by its entry."""
        return (
            f"{name} is in the format of {self.origin} (its config.json names an {self.entry}), "
            f"which transformers does not read. Give weights in its format: {self.instead}."
        )
