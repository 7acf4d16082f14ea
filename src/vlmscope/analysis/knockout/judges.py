"""Judges of answers: the user's own function, or a language model behind an endpoint."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from vlmscope.errors import BadOptionError, MissingExtraError

__all__ = ["EndpointJudge", "Judge", "judged"]

Judge = Callable[[str, str, str], Any]
"""Takes question, clean answer and answer; gives a number from 0 to 1 (a bool will do). Whatever it
raises, or anything else that it gives, leaves the sample unjudged."""

_INSTRUCTION = """\
Two answers to the same question about the same picture are given. List the things that each of them
says are in the picture, different words for one thing counted as one, and count:
both: things that both answers name
first_only: things that only the first answer names
second_only: things that only the second answer names
Reply with one JSON object and nothing else, for example {"both": 3, "first_only": 1, "second_only": 0}"""
_COUNTS = ("both", "first_only", "second_only")


def judge_name(judge: Any) -> str:
    """What a judge is called in the record: its ``name``, or where it is defined."""
    named = getattr(judge, "name", None)
    if isinstance(named, str):
        return named
    home = getattr(judge, "__module__", "?")
    return f"{home}.{getattr(judge, '__qualname__', type(judge).__name__)}"


def judged(judge: Judge, question: str, clean: str, answer: str) -> tuple[float | None, str | None]:
    """A judge's score, or None and the kind of reason why there is none.

    Messages are not kept: that of a service may hold a part of the key.
    """
    try:
        mark = judge(question, clean, answer)
    except Exception as error:  # a judge is foreign code: one failure must not end the sweep
        return None, type(error).__name__
    if isinstance(mark, bool | int | float) and math.isfinite(mark) and 0 <= mark <= 1:
        return float(mark), None
    return None, "no number from 0 to 1"


class EndpointJudge:
    """A language model behind an OpenAI-compatible endpoint, through the package ``openai``.

    It is sent the question and two answers, never a picture, and counts the things that they name: the
    score is their F1. The key comes from the environment and goes nowhere else, into no record and no
    message.

    Args:
        model: name of the model at the endpoint.
        base_url: of the endpoint; None: that of the package.
        key_variable: environment variable that holds the key; with a ``base_url`` of your own it may
            be unset, if that endpoint needs none.
        timeout: seconds for one reply.

    Raises:
        MissingExtraError: without the extra ``judge``.
        BadOptionError: the environment variable is not set, or the URL is none.
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
        if not key and base_url is None:
            raise BadOptionError(
                f"The environment variable {key_variable} is not set; it holds the key of the judge's "
                "endpoint. Set it, or give the URL of an endpoint that needs none."
            )
        if base_url is not None and urlsplit(base_url).scheme not in ("http", "https"):
            raise BadOptionError(
                "The URL of a judge starts with http:// or https://, such as http://localhost:8000/v1."
            )
        self.model = model
        # without user names and queries, which may be secrets
        host = "openai" if base_url is None else urlsplit(base_url).hostname
        self.name = f"{model} at {host}"
        self._client: Any = OpenAI(api_key=key or "none", base_url=base_url, timeout=timeout)

    def __repr__(self) -> str:
        return f"EndpointJudge({self.name!r})"

    def __call__(self, question: str, clean: str, answer: str) -> float | str:
        """F1 of the things named, or the reply itself where it does not count them."""
        task = {"question": question, "first": clean, "second": answer}
        reply = self._client.chat.completions.create(
            model=self.model,
            temperature=0,
            messages=[
                {"role": "system", "content": _INSTRUCTION},
                {"role": "user", "content": json.dumps(task, ensure_ascii=False)},
            ],
        )
        text = str(reply.choices[0].message.content or "")
        score = _f1(text)
        return text if score is None else score


def _f1(text: str) -> float | None:
    match = re.search(r"\{[^{}]*\}", text)
    try:
        counts = json.loads(match[0]) if match else {}
    except json.JSONDecodeError:
        return None
    numbers: list[Any] = [counts.get(name) for name in _COUNTS]
    if any(type(each) is not int or each < 0 for each in numbers):
        return None
    both, first, second = (int(each) for each in numbers)
    # a clean answer that names nothing has nothing to lose
    return 2 * both / (2 * both + first + second) if both + first else None
