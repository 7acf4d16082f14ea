"""Requests for chat completions, as JSON values."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Asking", "data_url"]


def data_url(pixels: NDArray[np.uint8]) -> str:
    """A picture, uint8 (height, width, 3), as PNG inside an address: no pixel is changed."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=6)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


@dataclass(frozen=True)
class Asking:
    """One question, to be asked about a picture and versions of it.

    Attributes:
        question: as it was given.
        top: likeliest tokens that are asked for at each place.
        seed: of the endpoint, where it draws.
    """

    question: str
    top: int
    seed: int = field(default=0)

    def generation(self, picture: str, tokens: int) -> dict[str, Any]:
        """The model's own answer, at most so many tokens, and the likeliest ones at each place."""
        return {
            "messages": [self._user(picture)],
            **self._settings(tokens),
            "logprobs": True,
            "top_logprobs": self.top,
        }

    def continuation(self, picture: str, begun: str) -> dict[str, Any]:
        """The token that goes on from an answer that is begun."""
        if not begun:
            return self.generation(picture, 1)
        return {
            **self._begun(picture, begun),
            **self._settings(1),
            "logprobs": True,
            "top_logprobs": self.top,
        }

    def reading(self, picture: str, answer: str) -> dict[str, Any]:
        """The log-probability of every token of the prompt, at whose end the answer stands."""
        return {**self._begun(picture, answer), **self._settings(1), "prompt_logprobs": 0}

    def _user(self, picture: str) -> dict[str, Any]:
        return {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": picture}},
                {"type": "text", "text": self.question},
            ],
        }

    def _begun(self, picture: str, answer: str) -> dict[str, Any]:
        return {
            "messages": [self._user(picture), {"role": "assistant", "content": answer}],
            "add_generation_prompt": False,
            "continue_final_message": True,
        }

    def _settings(self, tokens: int) -> dict[str, Any]:
        return {"max_tokens": tokens, "temperature": 0, "seed": self.seed, "n": 1}
