"""What several methods say of the same phrases in one image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vlmscope.types.grounding import Grounding

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MethodComparison"]


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """The same phrases in the same image, by every method that could be run.

    Attributes:
        model: id of the model.
        phrases: as asked, in order.
        groundings: by id of the method, in the order of preference: one Grounding per phrase.
        left_out: by id of the method: why one that runs on such models could not be run here.
    """

    model: str
    phrases: tuple[str, ...]
    groundings: Mapping[str, tuple[Grounding, ...]] = field(repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, method: str) -> tuple[Grounding, ...]:
        """The Groundings of one method, one per phrase."""
        return self.groundings[method]

    def __iter__(self) -> Iterator[str]:
        """Ids of the methods."""
        return iter(self.groundings)

    def by_phrase(self) -> Iterator[tuple[Grounding, ...]]:
        """For each phrase its Groundings, one per method."""
        return zip(*self.groundings.values(), strict=True)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to read before trusting it: of every method, and why methods were left out."""
        found = [
            f"{grounding.method}: {text}"
            for own in self.groundings.values()
            for grounding in own
            for text in grounding.warnings
        ]
        missing = [f"{method} was left out: {reason}" for method, reason in self.left_out.items()]
        return tuple(dict.fromkeys(found + missing))

    def overlay(self, **options: Any) -> Image.Image:
        """One picture: phrases as rows, methods as columns, one colour scale.

        Options are those of :func:`vlmscope.viz.overlay_methods`.
        """
        from vlmscope.viz import overlay_methods

        return overlay_methods(self, **options)

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values, phrase after phrase; ``arrays=True`` adds the score maps."""
        return {
            "model": self.model,
            "phrases": list(self.phrases),
            "methods": list(self.groundings),
            "groundings": [
                grounding.to_dict(arrays) for own in self.by_phrase() for grounding in own
            ],
            "left_out": dict(self.left_out),
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = None, arrays: bool = False) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(arrays), indent=indent, ensure_ascii=False, allow_nan=False)
