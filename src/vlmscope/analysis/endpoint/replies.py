"""What a chat completion says, read strictly: nothing that is missing becomes a zero."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from vlmscope.errors import EndpointError

__all__ = ["IncompleteReply", "Place", "Reply"]

_HIGHEST = 1e-3  # a log-probability is at most 0, but for rounding


class IncompleteReply(EndpointError):
    """A reply that lacks what was asked for.

    Attributes:
        reason: what, in a few words, under which such replies are counted.
    """

    def __init__(self, reason: str, more: str = "") -> None:
        super().__init__(f"The reply {reason}{f'. {more}' if more else '.'}")
        self.reason = reason


@dataclass(frozen=True)
class Place:
    """A token that was written, and the likeliest ones in its place.

    Attributes:
        piece: what it writes, in UTF-8.
        logprob: of it, in nats.
        top: what the likeliest write, and their log-probabilities.
    """

    piece: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Reply:
    """One completion.

    Attributes:
        record: the essentials, JSON values, as they are kept on disk.
    """

    record: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, value: dict[str, Any]) -> Reply:
        """Of a reply as it came, all that is not read left out.

        Raises:
            IncompleteReply: no completion in it.
        """
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise IncompleteReply("holds no completion", "It is not that of a chat endpoint.")
        logprobs = choice.get("logprobs")
        places = logprobs.get("content") if isinstance(logprobs, dict) else None
        prompt = value.get("prompt_logprobs", choice.get("prompt_logprobs"))
        return cls(
            {
                "text": message.get("content"),
                "finish": choice.get("finish_reason"),
                "places": [_place(each) for each in places] if isinstance(places, list) else None,
                "prompt": [_prompt(each) for each in prompt] if isinstance(prompt, list) else None,
            }
        )

    @property
    def finish(self) -> str:
        """Why it ended."""
        return str(self.record["finish"])

    @property
    def text(self) -> str:
        """What was written.

        Raises:
            IncompleteReply: nothing.
        """
        text = self.record["text"]
        if not isinstance(text, str) or not text.strip():
            raise IncompleteReply("holds no text")
        return text.strip()

    @property
    def places(self) -> tuple[Place, ...]:
        """The tokens that were written, at least one.

        Raises:
            IncompleteReply: without log-probabilities, or without the likeliest tokens.
        """
        places = self.record["places"]
        if not places:
            raise IncompleteReply("holds no log-probabilities")
        if not all(each["top"] for each in places):
            raise IncompleteReply("holds no likeliest tokens beside the one that was written")
        return tuple(
            Place(
                bytes(each["piece"]),
                each["logprob"],
                tuple((bytes(piece), logprob) for piece, logprob in each["top"]),
            )
            for each in places
        )

    @property
    def prompt(self) -> tuple[tuple[bytes, float | None], ...]:
        """The tokens of the prompt and their log-probabilities; None: the endpoint does not say it.

        Raises:
            IncompleteReply: without them.
        """
        prompt = self.record["prompt"]
        if not prompt:
            raise IncompleteReply("holds no log-probabilities of the prompt")
        return tuple((piece.encode(), logprob) for piece, logprob in prompt)


def _place(value: Any) -> dict[str, Any]:
    likeliest = value.get("top_logprobs") if isinstance(value, dict) else None
    return {
        "piece": _piece(value),
        "logprob": _logprob(value),
        "top": [[_piece(each), _logprob(each)] for each in likeliest or ()],
    }


def _piece(value: Any) -> list[int]:
    """What a token writes as numbers of bytes: half a character is no text."""
    if isinstance(value, dict):
        written = value.get("bytes")
        if isinstance(written, list) and all(
            isinstance(each, int) and 0 <= each < 256 for each in written
        ):
            return written
        if isinstance(value.get("token"), str):
            return list(value["token"].encode("utf-8", "replace"))
    raise IncompleteReply("holds log-probabilities without their tokens")


def _logprob(value: Any) -> float:
    number = value.get("logprob") if isinstance(value, dict) else None
    if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):
        raise IncompleteReply("holds a log-probability that is no number")
    if number > _HIGHEST:
        raise IncompleteReply("holds a log-probability above 0")
    return float(number)


def _prompt(value: Any) -> list[Any]:
    """The token that stands in the prompt comes first, others that are likely after it."""
    if not isinstance(value, dict) or not value:
        return ["", None]  # the first token has nothing before it
    first = next(iter(value.values()))
    text = first.get("decoded_token") if isinstance(first, dict) else None
    if not isinstance(text, str):
        raise IncompleteReply("holds log-probabilities of the prompt without their tokens")
    return [text, _logprob(first)]
