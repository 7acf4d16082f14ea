"""Texts that somebody typed, checked for their length before anything reads them."""

from __future__ import annotations

from vlmscope.app.refusal import Refusal
from vlmscope.app.settings import Limits
from vlmscope.models import Prompt

__all__ = ["checked_prompt"]


def checked_prompt(text: str, limits: Limits, name: str = "phrase") -> Prompt:
    """A phrase or question as a prompt.

    Args:
        text: as it was typed.
        limits: of the server.
        name: what it is called in messages.

    Raises:
        Refusal: it is longer than is taken.
        BadPhraseError: it is empty.
    """
    if len(text) > limits.phrase:
        raise Refusal(
            400,
            "bad-phrase",
            f"The {name} has {len(text):,} characters, and at most {limits.phrase:,} are taken. "
            "Shorten it.",
        )
    return Prompt.of(text)
