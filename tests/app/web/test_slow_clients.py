"""Clients that dawdle, stop in the middle or never read: nobody else waits for them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app_pictures import encoded
from vlmscope.app import AppSettings
from vlmscope.app.service import Service
from vlmscope.app.serving import listening
from vlmscope.app.web.application import application
from vlmscope.models import LoadedModel
from vlmscope.viewer import View

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn, which serves the app, is absent")
SOON = 20


@pytest.fixture(scope="module")
def port(llava: LoadedModel) -> Iterator[int]:
    service = Service(llava, AppSettings())
    taken = listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(service), log_level="critical"))
    worker = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    worker.start()
    while not server.started:
        time.sleep(0.01)
    yield taken.getsockname()[1]
    server.should_exit = True
    worker.join(30)
    assert not worker.is_alive()


def asked(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def grounded(port: int, image: str, phrase: str) -> str:
    body = json.dumps({"image": image, "phrase": phrase}).encode()
    status, data = asked(port, "POST", "/api/ground", body, **{"Content-Type": "application/json"})
    assert status == 200, data
    return View.unpack(data).title


@pytest.fixture(scope="module")
def image(port: int) -> str:
    status, data = asked(port, "POST", "/api/images", encoded())
    assert status == 201
    name: str = json.loads(data)["image"]
    return name


def begun(port: int, *lines: str) -> socket.socket:
    """A connection on which a part of a request was sent."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    connection.sendall("\r\n".join(["POST /api/images HTTP/1.1", *lines]).encode())
    return connection


def test_half_sent_requests_hold_nobody_up(port: int, image: str) -> None:
    host = f"Host: 127.0.0.1:{port}"
    with contextlib.ExitStack() as open_ones:
        for _ in range(12):
            open_ones.enter_context(begun(port, host, "Content-Length: 5000", "", "a part of it"))
            open_ones.enter_context(begun(port, "X-Half: a hea"))
        start = time.monotonic()
        assert grounded(port, image, "the red circle") == "the red circle"
        assert asked(port, "POST", "/api/images", encoded(1))[0] == 201
        assert time.monotonic() - start < SOON
    for _ in range(200):  # those that have gone take no place any more
        if asked(port, "POST", "/api/images", encoded(1))[0] == 201:
            break
        time.sleep(0.02)
    assert grounded(port, image, "the star") == "the star"


def test_clients_that_ask_and_vanish_leave_the_line_empty(port: int, image: str) -> None:
    body = json.dumps({"image": image, "question": "what color is the circle"}).encode()
    head = (
        f"POST /api/answer HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", port), timeout=SOON) as connection:
            connection.sendall(head.encode() + body)
    assert grounded(port, image, "the star") == "the star"
    end = time.monotonic() + SOON
    line = None
    while line != {"waiting": 0, "running": 0, "of": None}:
        assert time.monotonic() < end, line
        line = json.loads(asked(port, "GET", "/api/queue")[1])


def test_a_client_that_never_reads_holds_nobody_up(port: int, image: str) -> None:
    body = json.dumps({"image": image, "phrase": "the blue square"}).encode()
    head = (
        f"POST /api/ground HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with contextlib.ExitStack() as silent:
        for _ in range(4):
            connection = silent.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            connection.connect(("127.0.0.1", port))
            connection.sendall((head.encode() + body) * 3)
        assert grounded(port, image, "the red circle") == "the red circle"


@pytest.mark.parametrize(
    "words",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /api/images HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_what_is_no_http_ends_its_own_connection(port: int, words: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=SOON) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4_096)
            assert not answer or b" 500 " not in answer.splitlines()[0]
    assert asked(port, "GET", "/api/queue")[0] == 200
