"""What a reply that is no answer means, in one sentence."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from vlmscope.analysis.endpoint.client.address import Address
from vlmscope.analysis.endpoint.client.key import Key
from vlmscope.analysis.endpoint.client.wire import Received
from vlmscope.errors import EndpointError
from vlmscope.io import parse_json

__all__ = ["NotUnderstood", "RefusedRequest", "Unfinished", "fault_of", "json_of"]

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_QUOTED = 200  # characters of the endpoint's own words


class RefusedRequest(EndpointError):
    """The endpoint does not take a request of this form."""


class Unfinished(EndpointError):
    """The endpoint did not answer this time.

    Attributes:
        pause: seconds that it asks to wait; None: it says nothing of that.
    """

    pause: float | None = None


class NotUnderstood(Unfinished):
    """The endpoint's reply is no JSON object."""


def fault_of(received: Received, address: Address, key: Key) -> EndpointError | None:
    """The error that a reply's status stands for; None: it is an answer.

    Whatever is quoted has the key taken out of it; of a reply to a wrong key nothing is quoted.
    """
    status = received.status
    if 200 <= status < 300:
        return None
    words = _words(received, key)
    if 300 <= status < 400:
        return EndpointError(_redirected(received, address))
    if status in (401, 403):
        return EndpointError(_key_refused(status, address, key))
    if status in (404, 405):
        return EndpointError(
            f"{address.chat} is no chat endpoint, or has no such model (HTTP {status}"
            f"{words}). {address.advice}"
        )
    if status == 413:
        return EndpointError(
            f"The picture is too large for {address.base} (HTTP 413). Send a smaller one with --side."
        )
    if status in _AGAIN and "insufficient_quota" not in words:
        return Unfinished(f"{address.base} answers with HTTP {status}{words}")
    if status == 429:
        return EndpointError(f"{address.base} has no more quota for this key (HTTP 429{words}).")
    return RefusedRequest(f"{address.base} refuses the request (HTTP {status}{words}).")


def json_of(received: Received, address: Address, key: Key) -> dict[str, Any]:
    """The JSON object that a reply holds, without the key.

    Raises:
        EndpointError: a page of HTML: that is no endpoint.
        NotUnderstood: anything else that is no JSON object.
    """
    kind = received.headers.get("content-type", "")
    if "html" in kind or received.body[:100].lstrip().lower().startswith(b"<"):
        raise EndpointError(
            f"{address.chat} answers with a page of HTML, so it is no chat endpoint. {address.advice}"
        )
    try:
        value = parse_json(received.body.decode("utf-8"))
    except ValueError as error:
        detail = "no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise NotUnderstood(
            f"{address.base} answers with malformed JSON ({key.hidden(detail)})"
        ) from None
    if not isinstance(value, dict):
        raise NotUnderstood(f"{address.base} answers with JSON that is no object")
    shown: dict[str, Any] = key.hidden_in(value)
    return shown


def _redirected(received: Received, address: Address) -> str:
    try:
        to = urlsplit(received.headers.get("location", ""))
        where = f"{to.scheme}://{to.hostname}" if to.hostname else to.path or "nowhere"
    except ValueError:
        where = "an address that cannot be read"
    return (
        f"{address.base} redirects to {where[:_QUOTED]} (HTTP {received.status}). Key and picture are not "
        "sent on; if that is where they belong, give that address with --endpoint."
    )


def _key_refused(status: int, address: Address, key: Key) -> str:
    if not key:
        variable = key.variable or "an environment variable"
        return (
            f"{address.base} asks for a key (HTTP {status}), and none was sent. Put it into {variable}, or "
            "name another environment variable with --key-from."
        )
    return (
        f"{address.base} does not accept the key in {key.variable} (HTTP {status}). Check that it is the "
        "key of this endpoint and may use this model."
    )


def _words(received: Received, key: Key) -> str:
    """What the endpoint says of it, as ``: words``; empty where it says nothing that is for readers."""
    try:
        value = parse_json(received.body.decode("utf-8"))
    except ValueError:
        return ""
    parts = [value]
    for name in ("error", "message", "detail"):
        parts += [each[name] for each in parts if isinstance(each, dict) and name in each]
    text = next((each for each in reversed(parts) if isinstance(each, str)), "")
    code = next(
        (str(each["code"]) for each in parts if isinstance(each, dict) and each.get("code")), ""
    )
    shown = key.hidden(re.sub(r"\s+", " ", text)).strip()[:_QUOTED]
    return (
        f": {code} {shown}".rstrip()
        if code == "insufficient_quota"
        else f": {shown}"
        if shown
        else ""
    )
