"""One phrase in several pictures that a model saw in one prompt: what each gets of its attention."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from vlmscope.io import atomic_path, write_json
from vlmscope.results.drawing import overlay, side_by_side
from vlmscope.results.grounding import Grounding
from vlmscope.results.shared_views import joint_scale, shared_card
from vlmscope.viewer import View

__all__ = ["SharedGrounding"]

_SIDE = 480  # the shorter side that small pictures are enlarged to, so that letters can be read


@dataclass(frozen=True, eq=False)
class SharedGrounding:
    """A phrase in pictures that share the attention of one prompt.

    Attributes:
        phrase: the phrase as given.
        method: id of the method.
        model: id of the model.
        parts: a Grounding for each picture; all are thresholded as if they were one picture, so one
            that lights up little beside the others has no box.
        share: of all attention on pictures, by the rows and heads that were read, what each gets;
            they sum to 1.
        even: what each would get if every image token got the same.
        warnings: sentences to read before trusting this result.
    """

    phrase: str
    method: str
    model: str
    parts: tuple[Grounding, ...] = field(repr=False)
    share: tuple[float, ...]
    even: tuple[float, ...]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def where(self) -> int:
        """Which picture gets the most beyond its even share, from 0; the first of equals."""
        lifts = [got / even for got, even in zip(self.share, self.even, strict=True)]
        return lifts.index(max(lifts))

    @property
    def names(self) -> tuple[str, ...]:
        """What each picture is called, for people."""
        return tuple(f"picture {number}" for number in range(1, len(self) + 1))

    @property
    def best(self) -> Grounding:
        """The Grounding in :attr:`where`."""
        return self.parts[self.where]

    def view(self) -> View:
        """What the viewer draws: the shares, and the pictures side by side on one scale."""
        raise NotImplementedError

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values; ``arrays=True`` adds the score maps as nested lists."""
        raise NotImplementedError

    def to_json(self, indent: int | None = None, arrays: bool = False) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(arrays), indent=indent, ensure_ascii=False, allow_nan=False)

    def overlay(self, **options: Any) -> Image.Image:
        """All pictures in a row, on one colour scale.

        Options are those of :func:`vlmscope.results.side_by_side`.
        """
        return side_by_side(self.parts, **options)

    def drawn(self) -> list[tuple[str, Image.Image]]:
        """A name for a file and an overlay for each picture, all on one colour scale."""
        return self._drawn([(f"picture-{n:02d}", each) for n, each in enumerate(self.parts, 1)])

    def save(self, folder: str | Path) -> list[Path]:
        """Write overlays, the numbers (``result.json``) and the page (``index.html``); their paths.

        Raises:
            OutputError: when the place cannot be written.
        """
        place, written = Path(folder), []
        for name, picture in self.drawn():
            path = place / f"{name}.png"
            with atomic_path(path) as temporary:
                picture.save(temporary)
            written.append(path)
        write_json(place / "result.json", self.to_dict())
        self.view().write(place / "index.html")
        return [*written, place / "result.json", place / "index.html"]

    def _drawn(self, named: list[tuple[str, Grounding]]) -> list[tuple[str, Image.Image]]:
        scale = joint_scale(self.parts)
        return [(name, overlay(each, scale=scale, min_side=_SIDE)) for name, each in named]

    def _records(self, arrays: bool) -> list[dict[str, Any]]:
        rows = zip(self.parts, self.share, self.even, strict=True)
        return [
            {"share": share, "even": even, **each.to_dict(arrays)} for each, share, even in rows
        ]

    def _repr_html_(self) -> str:
        return self.view().inline(shared_card(self))
