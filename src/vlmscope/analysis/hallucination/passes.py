"""What the passes over answers give, and the plain way of running them: one whole pass for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.analysis.hallucination.hidden_states import hidden_states
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.attention import capture, generate, knockout
from vlmscope.attention.forced import encode_forced, run_forced
from vlmscope.data.datasets import Asked
from vlmscope.models import Encoded, LoadedModel

__all__ = ["AnswerPasses", "Answered", "ImagePasses", "Lifted", "WholePasses", "blank_like"]


@dataclass(frozen=True, eq=False)
class Answered:
    """A question with its answer.

    Attributes:
        text: the question.
        ids: int (tokens,): of the answer.
    """

    text: str
    ids: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, eq=False)
class AnswerPasses:
    """What the passes over one answer gave.

    Attributes:
        maps: float32 (layers that are read, heads, answer tokens, image tokens).
        hidden: float (layers that are read, image tokens, hidden).
        log_probs: float64 (answer tokens,), given the image.
        blank_log_probs: given a blank image.
        blank_shares: float64 (answer tokens,): attention on all of a blank image, mean over the layers
            that are read and their heads.
    """

    maps: NDArray[np.float32] = field(repr=False)
    hidden: Tensor = field(repr=False)
    log_probs: NDArray[np.float64] = field(repr=False)
    blank_log_probs: NDArray[np.float64] = field(repr=False)
    blank_shares: NDArray[np.float64] = field(repr=False)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Float64 (answer tokens,): attention on all of the image, as ``blank_shares``."""
        shares: NDArray[np.float64] = self.maps.sum(axis=-1, dtype=np.float64).mean(axis=(0, 1))
        return shares


Lifted = tuple[Answered, NDArray[np.int64]]
"""An answer, and the image tokens that it may not read: int (n,), indices into those of the image."""


class ImagePasses(Protocol):
    """The passes over one image."""

    def say(self, asked: Sequence[Asked]) -> list[str]:
        """What the model says to questions, greedily."""
        ...

    def read(self, answers: Sequence[Answered]) -> list[AnswerPasses]:
        """What is read of some answers."""
        ...

    def without(self, lifted: Sequence[Lifted]) -> list[NDArray[np.float64]]:
        """Float64 (answer tokens,) log-probabilities of answers that may not read some image tokens."""
        ...


def blank_like(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image of the same size and mean colour with nothing on it."""
    mean = np.rint(pixels.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, pixels.shape).copy()


@dataclass(frozen=True, eq=False)
class WholePasses:
    """A whole pass over image, question and answer for whatever is asked: what the others must equal.

    Attributes:
        model: the model.
        pixels: uint8 (height, width, 3).
        options: how it is read.
        layers: those that are read.
    """

    model: LoadedModel
    pixels: NDArray[np.uint8] = field(repr=False)
    options: HallucinationOptions
    layers: tuple[int, ...]

    def say(self, asked: Sequence[Asked]) -> list[str]:
        """As :class:`ImagePasses`."""
        return [
            generate(
                self.model,
                self.pixels,
                each.text,
                max_new_tokens=self.options.reading(each.room).max_new_tokens,
                preset=self.options.preset,
                placement=self.options.placement,
            ).text
            for each in asked
        ]

    def read(self, answers: Sequence[Answered]) -> list[AnswerPasses]:
        """As :class:`ImagePasses`."""
        return [self._read(each) for each in answers]

    def without(self, lifted: Sequence[Lifted]) -> list[NDArray[np.float64]]:
        """As :class:`ImagePasses`."""
        return [self._without(*each) for each in lifted]

    def _read(self, answer: Answered) -> AnswerPasses:
        encoded, blank = self._encoded(answer), self._encoded(answer, blank_like(self.pixels))
        tokens = encoded.token_maps[0]
        rows = (tokens.positions("generated") - 1).tolist()
        with (
            capture(self.model, rows=rows, layers=self.layers) as trace,
            hidden_states(self.model, self.layers) as kept,
        ):
            scores = _scores(self.model, encoded)
        with capture(self.model, rows=rows, layers=self.layers, average=True) as unseen:
            blank_scores = _scores(self.model, blank)
        image = torch.from_numpy(tokens.positions("image"))
        states = [kept[layer][0, image.to(kept[layer].device)] for layer in self.layers]
        shares = unseen.maps.numpy().sum(axis=-1, dtype=np.float64).mean(axis=(0, 1))
        return AnswerPasses(trace.maps.numpy(), torch.stack(states), scores, blank_scores, shares)

    def _without(self, answer: Answered, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        encoded = self._encoded(answer)
        image = encoded.token_maps[0].positions("image")
        whole = len(tokens) == len(image)
        places: str | list[int] = "image" if whole else image[tokens].tolist()
        with knockout(self.model, [(places, "generated"), (places, "last")]):
            return _scores(self.model, encoded)

    def _encoded(self, answer: Answered, pixels: NDArray[np.uint8] | None = None) -> Encoded:
        return encode_forced(
            self.model,
            self.pixels if pixels is None else pixels,
            answer.text,
            answer.ids,
            preset=self.options.preset,
            placement=self.options.placement,
        )


def _scores(model: LoadedModel, encoded: Encoded) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = run_forced(model, encoded)[0].double().numpy()
    return scores
