"""Judges of answers: the user's own function, or a language model behind an endpoint."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from typing import Any

from vlmscope.errors import BadOptionError, MissingExtraError

__all__ = ["EndpointJudge", "Judge", "judged"]

Judge = Callable[[str, str, str], Any]
"""Takes question, clean answer and answer; gives a number from 0 to 1 (a bool will do). Whatever it
raises, or anything else that it gives, leaves the sample unjudged."""

_INSTRUCTION = (
    "You compare two answers to a question about a picture that you cannot see. Reply with one number "
    "from 0 to 1 and nothing else: how much of what the first answer says about the picture the second "
    "one says too."
)


def judged(judge: Judge, question: str, clean: str, answer: str) -> tuple[float | None, str | None]:
    """A judge's score, or None and the reason why there is none."""
    try:
        given = judge(question, clean, answer)
    except Exception as error:  # a judge is foreign code: one failure must not end the sweep
        return None, f"{type(error).__name__}: {error}"[:200]
    if isinstance(given, bool | int | float) and math.isfinite(given) and 0 <= given <= 1:
        return float(given), None
    return None, f"the judge gave {given!r}"[:200]


class EndpointJudge:
    """A language model behind an OpenAI-compatible endpoint, through the package ``openai``.

    The key is read from the environment when it is needed; it is neither kept nor written anywhere.

    Args:
        model: name of the model at the endpoint.
        base_url: of the endpoint; None: that of the package.
        key_variable: environment variable that holds the key.
        timeout: seconds for one reply.

    Raises:
        MissingExtraError: without the extra ``judge``.
        BadOptionError: the environment variable is not set.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        key_variable: str = "OPENAI_API_KEY",
        timeout: float = 60.0,
    ) -> None:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise MissingExtraError("openai", "judge", "A judge behind an endpoint") from error
        key = os.environ.get(key_variable)
        if not key:
            raise BadOptionError(
                f"The environment variable {key_variable} is not set; it holds the key of the judge's "
                "endpoint."
            )
        self.model = model
        self.base_url = base_url
        self._client = OpenAI(api_key=key, base_url=base_url, timeout=timeout)

    def __repr__(self) -> str:
        return f"EndpointJudge({self.model!r}, base_url={self.base_url!r})"

    def __call__(self, question: str, clean: str, answer: str) -> float | str:
        """The number in the reply, or the reply itself where it holds none."""
        reply = self._client.chat.completions.create(
            model=self.model,
            temperature=0,
            messages=[
                {"role": "system", "content": _INSTRUCTION},
                {
                    "role": "user",
                    "content": f"Question: {question}\nFirst: {clean}\nSecond: {answer}",
                },
            ],
        )
        text = str(reply.choices[0].message.content or "").strip()
        number = re.fullmatch(r"(?:0?\.\d+|[01](?:\.\d+)?)", text)
        return float(text) if number else text
