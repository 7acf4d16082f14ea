"""The answer to "when is it in this clip, and where?"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.markup import one_line, shorten
from vlmscope.results.grounding import Grounding
from vlmscope.results.shared_grounding import SharedGrounding
from vlmscope.results.shared_views import clip_view
from vlmscope.viewer import View

__all__ = ["ClipGrounding"]


@dataclass(frozen=True, eq=False)
class ClipGrounding(SharedGrounding):
    """A phrase in the frames of a clip.

    A step in time is a frame, or, in families that read videos by several frames to a token, as many
    frames as one token shows: these share a map and a box.

    Attributes:
        source: what the clip is called.
        way: ``pictures``: the frames were several images of one prompt; ``video``: the model read
            them as a video.
        shown: uint8 (height, width, 3) each: the frames that the model saw.
        seconds: of each of them, from the clip's beginning.
        indices: which of the clip's frames each is, from 0.
        steps: for each step in time the first of ``shown`` that it stands for, and the one after its
            last.
        notes: sentences on how the clip was read.
    """

    source: str = "clip"
    way: str = "pictures"
    shown: tuple[NDArray[np.uint8], ...] = field(default=(), repr=False)
    seconds: tuple[float, ...] = ()
    indices: tuple[int, ...] = ()
    steps: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> tuple[Grounding, ...]:
        """A Grounding for each step in time, on the first frame that it shows."""
        return self.parts

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """(first, last) second that each step shows; the same twice for a single frame."""
        return tuple((self.seconds[start], self.seconds[end - 1]) for start, end in self.steps)

    @property
    def times(self) -> tuple[float, ...]:
        """The middle of each span, in seconds."""
        return tuple((first + last) / 2 for first, last in self.spans)

    @property
    def when(self) -> tuple[float, float]:
        """The span of the step that gets the largest share."""
        return self.spans[self.where]

    @property
    def names(self) -> tuple[str, ...]:
        """The span of each step, for people."""
        return tuple(
            f"{first:.2f} s" if first == last else f"{first:.2f} to {last:.2f} s"
            for first, last in self.spans
        )

    def each_frame(self) -> Iterator[tuple[float, Grounding]]:
        """The second of every frame that the model saw, and the Grounding of its step on it."""
        for (start, end), part in zip(self.steps, self.parts, strict=True):
            for number in range(start, end):
                yield self.seconds[number], replace(part, image=self.shown[number])

    def __repr__(self) -> str:
        return one_line(
            self,
            repr(shorten(self.phrase, 120)),
            f"most at {self.names[self.where]}, share {self.share[self.where]:.3f} of {len(self)} steps",
            f"read as {self.way} by {self.method} of {self.model}",
        )

    def view(self) -> View:
        """What the viewer draws: the share over time, and the steps side by side on one scale."""
        return clip_view(self)

    def drawn(self) -> list[tuple[str, Image.Image]]:
        """A name for a file and an overlay for each frame, all on one colour scale."""
        return self._drawn(
            [
                (f"frame-{number:03d}-{second:.2f}s", each)
                for number, (second, each) in enumerate(self.each_frame(), 1)
            ]
        )

    def to_dict(self, arrays: bool = False) -> dict[str, Any]:
        """JSON-ready values, times in seconds; ``arrays=True`` adds the score maps as lists."""
        rows = zip(self.steps, self.spans, self._records(arrays), strict=True)
        return {
            "phrase": self.phrase,
            "method": self.method,
            "model": self.model,
            "clip": self.source,
            "way": self.way,
            "where": self.where,
            "when": list(self.when),
            "frames": [
                {
                    "seconds": list(span),
                    "shown": [
                        {"frame": self.indices[number], "seconds": self.seconds[number]}
                        for number in range(start, end)
                    ],
                    **record,
                }
                for (start, end), span, record in rows
            ],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
