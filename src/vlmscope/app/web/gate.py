"""The gate that every request passes before anything reads it: names, origins, token, sizes, headers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from vlmscope.app.refusal import Refusal
from vlmscope.app.settings import Limits
from vlmscope.app.web.origin import Doorman

__all__ = ["API", "SECURITY_HEADERS", "UPLOADS", "Gate"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/api/"
"""What lies behind the token; the page and the viewer's files hold nothing of anybody."""

UPLOADS = "/api/images"
"""The one path that takes more than a short text."""

SECURITY_HEADERS: dict[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
"""On every answer."""

_NOT_KEPT = ("cache-control", "no-store")  # of answers that are about somebody's pictures


class Gate:
    """An ASGI application around another one.

    Args:
        application: what is behind.
        doorman: who is let in.
        limits: how much a request may bring.
        root_path: what stands in front of every path where a proxy does not take it off; all links
            are relative, so that nothing behind the gate has to know of it.
    """

    def __init__(
        self, application: Application, doorman: Doorman, limits: Limits, root_path: str = ""
    ) -> None:
        self._application, self._doorman, self._limits = application, doorman, limits
        self._root = root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it with what was wrong."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":  # no web socket is spoken here
            await send({"type": "websocket.close", "code": 1008})
            return
        scope = _without(scope, self._root)
        answer = _with_headers(send, scope["path"].startswith(API))
        try:
            self._check(scope)
            body = _Body(receive, self._most(scope), self._limits.body_seconds)
            body.check_length(_header(scope, b"content-length"))
        except Refusal as refusal:
            await _refuse(answer, refusal)
            return
        await self._application(scope, body, answer)

    def _check(self, scope: Scope) -> None:
        host = _header(scope, b"host")
        self._doorman.check_host(host)
        if not scope["path"].startswith(API):
            return
        site = _header(scope, b"sec-fetch-site")
        self._doorman.check_origin(_header(scope, b"origin"), site, host)
        self._doorman.check_token(_header(scope, b"authorization"))

    def _most(self, scope: Scope) -> int:
        is_upload = scope["path"] == UPLOADS and scope["method"] == "POST"
        return self._limits.upload_bytes if is_upload else self._limits.body_bytes


def _without(scope: Scope, root: str) -> Scope:
    """The request as if its path began behind the root."""
    path: str = scope["path"]
    if not root or not path.startswith(f"{root}/"):
        return scope
    return {**scope, "path": path.removeprefix(root), "raw_path": b""}


class _Body:
    """The messages of a request, as long as it is neither too large nor too slow."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most = receive, most
        self._until = time.monotonic() + seconds
        self._bytes, self._whole = 0, False

    def check_length(self, said: str | None) -> None:
        """Refuse by what the request says of itself, before it is read."""
        if said is not None and said.isdecimal() and len(said) < 20 and int(said) > self._most:
            raise _too_large(self._most)
        if said is not None and (not said.isdecimal() or len(said) >= 20):
            raise Refusal(400, "bad-request", "The request's Content-Length is no number of bytes.")

    async def __call__(self) -> Message:
        if self._whole:  # what comes now says that the client has gone
            return await self._receive()
        try:
            left = max(0.0, self._until - time.monotonic())
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError:
            refusal = Refusal(
                408, "too-slow", "The request took too long to arrive. Send it again."
            )
            raise HTTPException(refusal.status, refusal.to_dict()["error"]) from None
        self._bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._bytes > self._most:
            refusal = _too_large(self._most)
            raise HTTPException(refusal.status, refusal.to_dict()["error"])
        return message


def _too_large(most: int) -> Refusal:
    return Refusal(
        413,
        "too-large",
        f"The request has more than {most:,} bytes. Send a smaller picture or text.",
    )


def _header(scope: Scope, name: bytes) -> str | None:
    """A header; one that is given twice is none that anybody can go by."""
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) > 1:
        raise Refusal(400, "bad-request", f"The header {name.decode()} is given twice.")
    return values[0].decode("latin-1") if values else None


def _with_headers(send: Send, private: bool) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            more = dict(SECURITY_HEADERS)
            present = {key for key, _ in message["headers"]}
            if private and b"cache-control" not in present:
                more.setdefault(*_NOT_KEPT)
            added = [(key.encode(), value.encode()) for key, value in more.items()]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sent


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = json.dumps(refusal.to_dict(), ensure_ascii=False).encode("utf-8")
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
