"""One request over HTTP, and what came back: no retries, no meaning."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from vlmscope.version import __version__

__all__ = ["BrokenConnection", "Received", "post"]

_LONGEST = 64 << 20  # bytes of a reply
_PIECE = 1 << 16


class BrokenConnection(Exception):
    """No reply came.

    Attributes:
        again: it may go better next time.
    """

    def __init__(self, reason: str, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


@dataclass(frozen=True, eq=False)
class Received:
    """A reply.

    Attributes:
        status: of HTTP.
        headers: of the reply, by lower-case name.
        body: what it says.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class _Stay(HTTPRedirectHandler):
    """Goes nowhere: picture and key are for the address that was given."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def post(
    url: str, body: bytes, sign: Callable[[Request], None], timeout: float, *, direct: bool
) -> Received:
    """Send a body, and read the reply whatever its status; redirects are not followed.

    No variable here or above ever holds a key, and what is raised has no other exception behind it, whose
    frames do: some programs print the variables of every frame.

    Args:
        url: where to.
        body: JSON.
        sign: puts a key into the request.
        timeout: seconds for the whole reply.
        direct: past any proxy of the environment, as for this very machine.

    Raises:
        BrokenConnection: no reply, or none in time.
    """
    ours = {"Content-Type": "application/json", "User-Agent": f"vlmscope/{__version__}"}
    request = Request(url, body, {**ours, "Accept": "application/json"}, method="POST")
    sign(request)
    opener = build_opener(_Stay, *([ProxyHandler({})] if direct else []))
    received = _sent(opener, request, timeout)
    if isinstance(received, BrokenConnection):
        raise received
    return received


def _sent(opener: OpenerDirector, request: Request, timeout: float) -> Received | BrokenConnection:
    end = time.monotonic() + timeout
    try:
        try:
            reply = opener.open(request, timeout=timeout)
        except HTTPError as error:
            reply = error
        with reply:
            names = {name.lower(): value for name, value in reply.headers.items()}
            return Received(int(reply.status or 0), names, _read(reply, end))
    except BrokenConnection as broken:
        return broken
    except (OSError, http.client.HTTPException) as error:
        return _broken(error, timeout)


def _read(reply: Any, end: float) -> bytes:
    pieces: list[bytes] = []
    length = 0
    while piece := reply.read1(_PIECE) if hasattr(reply, "read1") else reply.read(_PIECE):
        pieces.append(piece)
        length += len(piece)
        if length > _LONGEST:
            raise BrokenConnection(f"the reply is longer than {_LONGEST >> 20} MB", again=False)
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(pieces)


def _broken(error: Exception, timeout: float) -> BrokenConnection:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return BrokenConnection(f"no reply within {timeout:g} seconds")
    if isinstance(reason, ssl.SSLError):
        return BrokenConnection(
            f"its certificate or encryption fails ({reason.reason})", again=False
        )
    if isinstance(reason, socket.gaierror):
        return BrokenConnection("there is no host of that name", again=False)
    if isinstance(reason, ConnectionRefusedError):
        return BrokenConnection("the connection is refused: nothing listens there")
    if isinstance(reason, OSError) and reason.strerror:
        return BrokenConnection(f"the connection broke ({reason.strerror})")
    return BrokenConnection(f"the connection broke ({type(reason).__name__})")
