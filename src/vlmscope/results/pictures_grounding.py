"""The answer to "in which of these pictures is it, and where?"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vlmscope.markup import one_line, shorten
from vlmscope.results.grounding import Grounding
from vlmscope.results.shared_grounding import SharedGrounding
from vlmscope.results.shared_views import pictures_view
from vlmscope.viewer import View

__all__ = ["PicturesGrounding"]


@dataclass(frozen=True, eq=False)
class PicturesGrounding(SharedGrounding):
    """A phrase in several pictures of one prompt.

    Attributes:
        sources: what each picture is called: its path, or a word.
    """

    sources: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[Grounding, ...]:
        """A Grounding for each picture, in order."""
        return self.parts

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.3f}" for share in self.share)
        return one_line(
            self,
            repr(shorten(self.phrase, 120)),
            f"in picture {self.where + 1} of {len(self)} most, shares {shares}",
            f"{self.method} of {self.model}",
        )

    def view(self) -> View:
        """What the viewer draws: the share of each picture, and all side by side on one scale."""
        return pictures_view(self)

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values; ``arrays=True`` adds the score maps as nested lists."""
        records = self._records(arrays)
        return {
            "phrase": self.phrase,
            "method": self.method,
            "model": self.model,
            "where": self.where,
            "pictures": [
                {"image": source, **record}
                for source, record in zip(self.sources, records, strict=True)
            ],
            "warnings": list(self.warnings),
        }
