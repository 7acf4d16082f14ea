"""Who is let in, and how much a request may bring; nothing of the model is needed for that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from vlmscope.app.settings import Limits
from vlmscope.app.web.gate import Gate
from vlmscope.app.web.origin import Doorman, host_name, is_loopback

LIMITS = Limits(upload_bytes=2_000, body_bytes=100, body_seconds=0.3)
HERE = {"host": "127.0.0.1:8420"}
LOCAL = Doorman.of("127.0.0.1", (), None)


async def inside(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, and says the path and how long the body was."""
    try:
        body = await Request(scope, receive).body()
    except HTTPException as error:
        await JSONResponse({"error": error.detail}, error.status_code)(scope, receive, send)
        return
    await JSONResponse({"path": scope["path"], "bytes": len(body)})(scope, receive, send)


class Answer:
    """What came back."""

    def __init__(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = {key.decode(): value.decode() for key, value in messages[0]["headers"]}
        self.body = json.loads(b"".join(each.get("body", b"") for each in messages[1:]))

    @property
    def refused(self) -> tuple[int, str]:
        return self.status, self.body["error"]["kind"]


def asked(
    path: str = "/api/session",
    *parts: bytes,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = HERE,
    doorman: Doorman = LOCAL,
    root: str = "",
    slow: float = 0.0,
) -> Answer:
    """One request through a gate, its body in parts that come one after the other."""
    chunks = list(parts) or [b""]
    messages: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(slow)
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Any) -> None:
        messages.append(message)

    named = headers.items() if isinstance(headers, Mapping) else headers
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(key.encode(), value.encode()) for key, value in named],
    }
    asyncio.run(Gate(inside, doorman, LIMITS, root)(scope, receive, send))
    return Answer(messages)


@pytest.mark.parametrize(
    "name", ["127.0.0.1:8420", "localhost", "localhost:1", "[::1]:9", "::1", "LOCALHOST:8420"]
)
def test_names_of_this_machine_are_let_in(name: str) -> None:
    assert asked(headers={"host": name}).status == 200


@pytest.mark.parametrize(
    "name",
    ["evil.example", "evil.example:8420", "127.0.0.1.evil.example", "", "192.168.0.7", "[::2]:1"],
)
@pytest.mark.parametrize("path", ["/", "/api/session", "/viewer.js"])
def test_a_name_that_was_resolved_anew_is_not(name: str, path: str) -> None:
    assert asked(path, headers={"host": name}).refused == (403, "wrong-host")


def test_no_name_and_two_names_are_refused() -> None:
    assert asked(headers={}).refused == (403, "wrong-host")
    twice = [("host", "127.0.0.1"), ("host", "evil.example")]
    assert asked(headers=twice).refused == (400, "bad-request")


def test_a_server_that_listens_everywhere_is_called_by_figures_and_its_names() -> None:
    doorman = Doorman.of("0.0.0.0", ("lab.example",), "t")
    for name in ("192.168.0.7:8420", "[fe80::1]", "lab.example", "localhost"):
        assert asked("/", headers={"host": name}, doorman=doorman).status == 200
    assert asked("/", headers={"host": "evil.example"}, doorman=doorman).status == 403


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://127.0.0.1", "http://localhost:8420", "file://"],
)
def test_pages_of_other_places_are_refused(origin: str) -> None:
    answer = asked(headers={**HERE, "origin": origin})
    assert answer.refused == (403, "wrong-origin")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_a_browser_says_of_other_sites_is_believed(site: str) -> None:
    assert asked(headers={**HERE, "sec-fetch-site": site}).refused == (403, "wrong-origin")


def test_the_own_page_is_let_in_and_may_be_linked_to() -> None:
    own = {**HERE, "origin": "http://127.0.0.1:8420", "sec-fetch-site": "same-origin"}
    assert asked(headers=own).status == 200
    behind_a_proxy = {"host": "127.0.0.1:8420", "origin": "https://127.0.0.1:8420"}
    assert asked(headers=behind_a_proxy).status == 200
    assert asked("/", headers={**HERE, "sec-fetch-site": "cross-site"}).status == 200


@pytest.mark.parametrize(
    "borne", [None, "", "Bearer", "Bearer wrong", "Basic right", "right", "Bearer right right"]
)
def test_nothing_but_the_token_opens_the_interface(borne: str | None) -> None:
    doorman = Doorman.of("0.0.0.0", (), "right")
    headers = HERE if borne is None else {**HERE, "authorization": borne}
    answer = asked(headers=headers, doorman=doorman)
    assert answer.refused == (401, "wrong-token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "right" not in json.dumps(answer.body)
    assert asked("/", headers=headers, doorman=doorman).status == 200  # it holds nothing


def test_the_token_is_compared_as_a_whole() -> None:
    doorman = Doorman.of("0.0.0.0", (), "right")
    for borne in ("Bearer right", "bearer  right "):
        assert asked(headers={**HERE, "authorization": borne}, doorman=doorman).status == 200


@pytest.mark.parametrize("path", ["/api/session", "/api/images/", "/api/images/1"])
def test_texts_are_short(path: str) -> None:
    assert asked(path, b"x" * 100).body["bytes"] == 100
    assert asked(path, b"x" * 60, b"x" * 41).refused == (413, "too-large")
    assert asked(path, headers={**HERE, "content-length": "101"}).refused == (413, "too-large")


def test_pictures_may_be_longer_but_not_too_long() -> None:
    assert asked("/api/images", b"x" * 2_000).body["bytes"] == 2_000
    assert asked("/api/images", b"x" * 1_000, b"x" * 1_001).refused == (413, "too-large")
    told = {**HERE, "content-length": "2001"}
    assert asked("/api/images", headers=told).refused == (413, "too-large")


@pytest.mark.parametrize("length", ["-1", "many", "1e9", "", "9" * 400])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert asked(headers={**HERE, "content-length": length}).refused[0] in (400, 413)


def test_a_request_that_does_not_arrive_is_let_go() -> None:
    parts = [b"x"] * 50
    assert asked("/api/session", *parts, slow=0.05).refused == (408, "too-slow")


def test_every_answer_bears_the_headers_of_safety() -> None:
    for answer in (asked(), asked("/"), asked(headers={"host": "evil.example"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert asked().headers["cache-control"] == "no-store"


def test_a_root_path_may_stand_in_front_or_be_taken_off_before() -> None:
    for path in ("/app/api/session", "/api/session"):
        assert asked(path, root="/app/").body["path"] == "/api/session"
    assert asked("/application", root="/app").body["path"] == "/application"
    doorman = Doorman.of("0.0.0.0", (), "right")
    assert asked("/app/api/session", doorman=doorman, root="/app").refused == (401, "wrong-token")


def test_web_sockets_are_closed() -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def never() -> Any:
        raise AssertionError

    gate = Gate(inside, LOCAL, LIMITS)
    asyncio.run(gate({"type": "websocket", "path": "/api/session"}, never, send))
    assert [each["type"] for each in said] == ["websocket.close"]


def test_addresses_of_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.7", "lab.example", "")))
    assert [host_name(each) for each in ("A:1", "[::1]:2", "::1", "a")] == ["a", "::1", "::1", "a"]
