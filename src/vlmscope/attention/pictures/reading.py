"""Readings of prompts that hold several pictures, or one clip."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.passes import PhrasePass, PhraseSegment
from vlmscope.attention.prefill import run
from vlmscope.attention.together import ImageReading
from vlmscope.models import Encoded, ImageInputs, LoadedModel, Prompt
from vlmscope.models.clips import fit_clip
from vlmscope.models.prompts.prompt import PromptRequest

__all__ = ["Shown", "read_shown"]


@dataclass(eq=False)
class Shown:
    """What a model is shown in one prompt, fitted once for each placement.

    Attributes:
        model: the model.
        pictures: uint8 (height, width, 3) each.
        times: of the frames of a clip that is read as a video, in seconds; None: the pictures are
            several images.
    """

    model: LoadedModel
    pictures: Sequence[NDArray[np.uint8]] = field(repr=False)
    times: Sequence[float] | None = None
    _made: dict[str | None, list[ImageInputs]] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        """``image`` or ``video``."""
        return "image" if self.times is None else "video"

    def fitted(self, placement: str | None = None) -> list[ImageInputs]:
        """The images, or the one clip.

        Raises:
            UnsupportedError: several images, or a clip, where the family takes none.
        """
        if placement not in self._made:
            self._made[placement] = self._fit(placement)
        return self._made[placement]

    def _fit(self, placement: str | None) -> list[ImageInputs]:
        if self.times is not None:
            return [fit_clip(self.model, self.pictures, self.times)]
        count = len(self.pictures)
        return [self.model.fit(each, placement, count) for each in self.pictures]

    def encoded(self, prompt: Prompt, preset: str, placement: str | None = None) -> Encoded:
        """One prompt with all that is shown; each picture, or step in time, is an image of its map."""
        shown = self.fitted(placement)
        request = PromptRequest(prompt, len(shown), preset, self.kind)
        items = [self.model.see(each, request) for each in shown]
        text = self.model.encode_prompt(prompt, items, preset)
        sizes = [picture.shape[:2] for picture in self.pictures]
        if self.times is not None:  # one size for every frame
            sizes = sizes[:1] * items[0].pictures
        return self.model.joined([text], [items], [sizes], [request])


def read_shown(shown: Shown, readings: Sequence[ImageReading]) -> list[list[Any]]:
    """Readings of all that is shown: for each what it makes of its phrases, in order.

    Every phrase is a pass over the whole prompt; nothing above the deepest layer is computed.

    Args:
        shown: what the model is shown.
        readings: what is read.
    """
    return [_read(shown, reading) for reading in readings]


def _read(shown: Shown, reading: ImageReading) -> list[Any]:
    preset = shown.model.resolve_preset(reading.preset)
    heard: dict[int, Any] = {}
    with contextlib.ExitStack() as outer:
        listener = reading.listener(shown.model, outer)
        for index, phrase in enumerate(reading.phrases):
            encoded = shown.encoded(phrase, preset, reading.placement)
            [tokens] = encoded.token_maps
            whole = PhrasePass(tokens, (PhraseSegment(index, 0, len(tokens), tokens),))
            with contextlib.ExitStack() as inner:
                listener.open(whole, inner)
                run(shown.model, encoded, stop_after=reading.deepest)
            heard.update(listener.heard(whole))
    return [heard[index] for index in range(len(reading.phrases))]
