"""What an endpoint can do is asked of it: which way gives the answer's log-probabilities, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vlmscope.analysis.endpoint.alignment import Span, aligned, bare, before, tail
from vlmscope.analysis.endpoint.answer import Answer, Scores
from vlmscope.analysis.endpoint.asker import Asker
from vlmscope.analysis.endpoint.client.faults import RefusedRequest
from vlmscope.analysis.endpoint.messages import Asking
from vlmscope.analysis.endpoint.options import ExplainOptions
from vlmscope.analysis.endpoint.replies import IncompleteReply, Place, Reply
from vlmscope.analysis.endpoint.ways import (
    LeadingTokens,
    Prefilled,
    PromptLogprobs,
    Way,
    chance_of,
)
from vlmscope.errors import EndpointError

__all__ = ["FEWEST", "Grasp", "grasp_answer", "scored"]

FEWEST = 4
"""Requests that find out what an endpoint can do, at least."""

_APART = (
    0.1  # nats a token between two ways to the same log-probability; half precision is below it
)


@dataclass(frozen=True, eq=False)
class Grasp:
    """An answer, and how it is followed.

    Attributes:
        answer: whose tokens are followed.
        way: to their log-probabilities.
        clean: of the unchanged picture, asked twice.
        tried: per way what was found, in the order of asking.
    """

    answer: Answer
    way: Way
    clean: tuple[Scores, Scores] = field(repr=False)
    tried: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Own:
    """What the endpoint says by itself, written twice."""

    text: str
    finish: str
    places: tuple[Place, ...]
    spans: list[Span]
    apart: float


class _Unfit(Exception):
    """A way that this endpoint does not offer; its text completes a sentence."""


def grasp_answer(
    asker: Asker, asking: Asking, picture: str, given: str | None, options: ExplainOptions
) -> Grasp:
    """Find the answer and the first way that the endpoint can do.

    Args:
        asker: of the endpoint.
        asking: the question.
        picture: unchanged.
        given: the answer that is followed; None: the endpoint's own.
        options: way, word, longest answer.

    Raises:
        EndpointError: no log-probabilities, an answer that is cut off or changes, or a way that was
            named and that the endpoint cannot do.
        BadSampleError: an answer without the word.
    """
    own = _own(asker, asking, picture, options.max_new_tokens)
    if given is None:
        _check_own(asker, asking, picture, own, options)
    text = own.text if given is None else given
    tried: dict[str, str] = {}
    for way, tokens in _FINDERS:
        if options.way not in ("auto", way.name):
            continue
        try:
            pieces = tokens(asker, asking, picture, own, text)
        except _Unfit as error:
            tried[way.name] = str(error)
            continue
        answer = Answer.of(text, pieces, options.word)
        clean = tuple(scored(asker, asking, way, answer, picture, repeat) for repeat in (0, 1))
        return Grasp(answer, way, clean, {**tried, way.name: "used"})  # type: ignore[arg-type]
    reasons = "; ".join(f"{name} {reason}" for name, reason in tried.items())
    raise EndpointError(
        f"{asker.endpoint.address.base} gives no log-probabilities of a fixed answer: {reasons}. Use "
        "--way auto, or an endpoint that gives them, such as vLLM."
    )


def scored(
    asker: Asker, asking: Asking, way: Way, answer: Answer, picture: str, repeat: int = 0
) -> Scores:
    """The answer's tokens on one picture."""
    payloads = way.payloads(asking, picture, answer)
    return way.read([asker.ask(each, repeat) for each in payloads], answer)


def _own(asker: Asker, asking: Asking, picture: str, tokens: int) -> _Own:
    base = asker.endpoint.address.base
    payload = asking.generation(picture, tokens)
    try:
        first, again = asker.ask(payload), asker.ask(payload, 1)
        texts, places = (first.text, again.text), first.places
    except RefusedRequest as error:
        raise EndpointError(
            f"{error} It was asked for its answer with the {asking.top} likeliest tokens at each place; "
            "where that is too many, ask for fewer with --top."
        ) from None
    except IncompleteReply as error:
        raise EndpointError(
            f"{base} cannot be used: what it answers {error.reason}. The answer is followed by "
            "log-probabilities: use an endpoint and a model that give them (logprobs, top_logprobs)."
        ) from None
    spans = aligned(texts[0], [place.piece for place in places])
    if spans is None:
        raise EndpointError(
            f"{base} answers {texts[0]!r}, and gives log-probabilities of tokens that do not spell it: they "
            "are of something else, or cut short."
        )
    places = places[: len(spans)]
    return _Own(*texts[:1], first.finish, places, spans, _apart(first, again, texts))


def _apart(first: Reply, again: Reply, texts: tuple[str, str]) -> float:
    """By how much the answer's summed log-probability differs the second time; infinite: another answer."""
    if texts[0] != texts[1] or len(first.places) != len(again.places):
        return float("inf")
    pairs = zip(first.places, again.places, strict=True)
    return abs(sum(one.logprob - other.logprob for one, other in pairs))


def _check_own(
    asker: Asker, asking: Asking, picture: str, own: _Own, options: ExplainOptions
) -> None:
    base = asker.endpoint.address.base
    if own.finish == "length":
        raise EndpointError(
            f"The answer of {base} is cut off after {len(own.places)} tokens ({own.text!r}). Raise "
            "--max-new-tokens, ask for a shorter one, or say with --answer what is followed."
        )
    if own.finish in ("content_filter", "error", "abort", "tool_calls"):
        raise EndpointError(f"The answer of {base} ended by {own.finish!r}, so it is not whole.")
    again = asker.ask(asking.generation(picture, options.max_new_tokens), 1)
    if again.text != own.text:
        raise EndpointError(
            f"{base} changes its answer to the same request: {own.text!r}, then {again.text!r}, at "
            "temperature 0. Say with --answer which one is followed."
        )


def _by_prompt(
    asker: Asker, asking: Asking, picture: str, own: _Own, text: str
) -> tuple[bytes, ...]:
    pieces, logprob = _read_prompt(asker, asking, picture, own.text)
    written = sum(place.logprob for place in own.places)
    if abs(logprob - written) > _APART * len(pieces) + _noise(own):
        raise _Unfit(
            f"reads its own answer with the log-probability {logprob:.2f}, and wrote it with {written:.2f}"
        )
    return pieces if text == own.text else _read_prompt(asker, asking, picture, text)[0]


def _read_prompt(
    asker: Asker, asking: Asking, picture: str, text: str
) -> tuple[tuple[bytes, ...], float]:
    """The tokens of an answer in the prompt, and the sum of their log-probabilities."""
    reply = _asked(asker, asking.reading(picture, text))
    prompt = reply.prompt
    count = tail(text, [piece for piece, _ in prompt])
    if count is None:
        raise _Unfit("does not end the prompt with the answer that is begun")
    values = [logprob for _, logprob in prompt[-count:] if logprob is not None]
    if len(values) < count:
        raise _Unfit("leaves tokens of the answer without a log-probability")
    return tuple(piece for piece, _ in prompt[-count:]), sum(values)


def _by_prefill(
    asker: Asker, asking: Asking, picture: str, own: _Own, text: str
) -> tuple[bytes, ...]:
    if len(own.places) < 2:
        raise _Unfit(
            "cannot be told: the endpoint's own answer has one token, so there is none to begin"
        )
    last = own.places[-1]
    begun = before(own.text, own.spans[-1][0])
    reply = _asked(asker, asking.continuation(picture, begun))
    logprob, bounded = chance_of(last.piece, reply.places[0])
    if bounded or abs(logprob - last.logprob) > _APART + _noise(own):
        raise _Unfit(
            f"does not go on from an answer that is begun: after {begun!r} comes not what came before"
        )
    if text == own.text:
        return tuple(place.piece for place in own.places)
    pieces: list[bytes] = []
    wanted, place = bare(text.encode()), 0
    while place < len(wanted):
        reply = _asked(asker, asking.continuation(picture, before(text, place)))
        piece = _next(reply.places[0], wanted, place)
        if piece is None:
            raise _Unfit(
                f"cannot say the tokens of the answer: after {before(text, place)!r} none of the likeliest "
                "goes on as the answer does"
            )
        pieces.append(piece)
        place += len(bare(piece))
    return tuple(pieces)


def _by_leading(
    asker: Asker, asking: Asking, picture: str, own: _Own, text: str
) -> tuple[bytes, ...]:
    """The answer's tokens up to the first that the endpoint does not write by itself, this included."""
    if text == own.text:
        return tuple(place.piece for place in own.places)
    wanted, at = bare(text.encode()), 0
    pieces: list[bytes] = []
    for place in own.places:
        piece = _next(place, wanted, at)
        if piece is None:
            break
        pieces.append(piece)
        at += len(bare(piece))
        if bare(piece) != bare(place.piece):
            break
    if not pieces:
        raise _Unfit(f"has no token that begins the answer {text!r} among the likeliest")
    return tuple(pieces)


def _next(place: Place, wanted: bytes, at: int) -> bytes | None:
    """The token that goes on as the answer does: the one that is written, else the longest that is likely."""
    pieces = [place.piece, *sorted((piece for piece, _ in place.top), key=len, reverse=True)]
    fitting = (each for each in pieces if bare(each) and wanted.startswith(bare(each), at))
    return next(fitting, None)


def _asked(asker: Asker, payload: dict[str, Any]) -> Reply:
    try:
        return asker.ask(payload)
    except RefusedRequest as error:
        raise _Unfit(f"is refused ({error})") from None
    except IncompleteReply as error:
        raise _Unfit(f"is not there: the reply {error.reason}") from None


def _noise(own: _Own) -> float:
    return 2 * own.apart if np.isfinite(own.apart) else 0.0


_FINDERS: Sequence[tuple[Way, Any]] = (
    (PromptLogprobs(), _by_prompt),
    (Prefilled(), _by_prefill),
    (LeadingTokens(), _by_leading),
)
