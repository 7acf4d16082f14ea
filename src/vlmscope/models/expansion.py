"""What stands in a prompt in place of one image: runs of image tokens and what separates them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vlmscope.errors import ModelMismatchError

__all__ = ["Expansion"]


@dataclass(frozen=True)
class Expansion:
    """The text of one image in a prompt, each run of image tokens written as ONE image token.

    Attributes:
        text: for example ``"<img><image></img>"``, or ``""`` where images leave no token at all.
        runs: how many copies each image token in ``text`` stands for, in order.
    """

    text: str
    runs: tuple[int, ...]

    @classmethod
    def of(cls, written: str, image_token: str) -> Expansion:
        """Collapse the runs in the text that a processor writes for an image.

        Raises:
            ModelMismatchError: when it holds no image token.
        """
        pattern = re.compile(f"(?:{re.escape(image_token)})+")
        runs = tuple(len(run) // len(image_token) for run in pattern.findall(written))
        if not runs:
            raise ModelMismatchError(
                f"The processor writes no image token {image_token!r} for an image (it writes "
                f"{written[:80]!r}). Load the processor that belongs to the model."
            )
        return cls(pattern.sub(lambda _: image_token, written), runs)

    @classmethod
    def run(cls, image_token: str, tokens: int) -> Expansion:
        """Nothing but image tokens."""
        return cls(image_token, (tokens,))

    @property
    def tokens(self) -> int:
        """Image tokens, separators not counted."""
        return sum(self.runs)
