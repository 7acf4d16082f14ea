"""A socket, a server on it, and its address once it answers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from vlmscope.app.settings import AppSettings
from vlmscope.app.web.origin import EVERYWHERE, is_loopback
from vlmscope.errors import BadOptionError, MissingExtraError

__all__ = ["USUAL_PORT", "Address", "check_reach", "check_server", "listening", "serve"]

USUAL_PORT = 8420
"""Where the app is found unless somebody says otherwise; where it is taken, a free one is."""

_CONNECTIONS = 256
_HEADERS = 32 << 10  # bytes of a request's first lines and headers
_ENDING = 3  # seconds in which answers are finished after a signal


@dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        host: as it was named.
        port: that was taken.
        root_path: what a proxy puts in front of the path.
        token: that the page asks for; None: none.
    """

    host: str
    port: int
    root_path: str = ""
    token: str | None = field(default=None, repr=False)

    @property
    def everywhere(self) -> bool:
        """Whether every address of this machine is listened on."""
        return self.host in EVERYWHERE

    @property
    def url(self) -> str:
        """The page's address; the token in it is taken out of the browser's address by the page."""
        return self._url(EVERYWHERE.get(self.host, self.host))

    @property
    def outside(self) -> str:
        """The page's address by this machine's name."""
        return self._url(socket.gethostname())

    def _url(self, host: str) -> str:
        name = f"[{host}]" if ":" in host else host
        asked = "" if self.token is None else f"?token={quote(self.token, safe='')}"
        return f"http://{name}:{self.port}{self.root_path.rstrip('/')}/{asked}"


def check_server() -> None:
    """Refuse to start what cannot be served.

    Raises:
        MissingExtraError: fastapi or uvicorn is not installed.
    """
    for package in ("fastapi", "uvicorn"):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingExtraError(package, "app", "vlmscope app") from error


def check_reach(settings: AppSettings) -> None:
    """Other machines reach a server only with a token.

    Raises:
        BadOptionError: an address that they reach, and no token; or a token that no header can hold.
    """
    token = settings.token
    if token is not None and not (
        token.isascii() and token.isprintable() and " " not in token and token
    ):
        raise BadOptionError(
            "A token is one word of ASCII letters, figures and signs; leave out spaces and others."
        )
    if token is None and not is_loopback(settings.host):
        raise BadOptionError(
            f"--host {settings.host} lets other machines in, and there is no token. Give one that nobody "
            "guesses: --token $(python -c 'import secrets; print(secrets.token_urlsafe())')"
        )


def listening(host: str, port: int | None) -> socket.socket:
    """A socket on an address.

    Args:
        host: name or address.
        port: 0: any free one; None: the usual one, or a free one where that is taken.

    Raises:
        BadOptionError: the port is taken, or the address is none of this machine.
    """
    try:
        return _bound(host, USUAL_PORT if port is None else port)
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return _bound(host, 0)
        reason = error.strerror or str(error)
        raise BadOptionError(
            f"Cannot listen on {host}, port {port}: {reason}. Take another --port, or 0 for a free one."
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    [first, *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = first
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def serve(application: Any, taken: socket.socket, ready: Callable[[], None]) -> None:
    """Serve an application on a socket until a signal ends it.

    Args:
        application: of ASGI.
        taken: listens already; closed at the end.
        ready: called once the first request would be answered.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is what the socket says
        ws="none",
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADERS,
        timeout_graceful_shutdown=_ENDING,
    )
    with closing(taken), contextlib.suppress(KeyboardInterrupt):  # the usual end
        asyncio.run(Server(config).serve(sockets=[taken]))
