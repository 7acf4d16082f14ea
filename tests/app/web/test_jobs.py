"""Many tabs, one model: who waits, who is let go, and whom a client that has gone holds up."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from vlmscope.app.engine.queue import Places
from vlmscope.app.service import Service
from vlmscope.app.web.application import application
from vlmscope.models import LoadedModel
from vlmscope.viewer import View

SOON = 20.0
SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "scheme": "http",
    "method": "POST",
    "raw_path": b"",
    "query_string": b"",
    "root_path": "",
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 1),
}


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


class Asking:
    """Requests that wait, each in a thread of its own."""

    def __init__(self, client: TestClient, image: str) -> None:
        self._client, self._image = client, image
        self._pool = ThreadPoolExecutor(16)

    def ground(self, phrase: str, tab: str = "", job: str = "") -> Future[Any]:
        named = {"x-vlmscope-tab": tab, "x-vlmscope-job": job}
        headers = {key: value for key, value in named.items() if value}
        body = {"image": self._image, "phrase": phrase}
        return self._pool.submit(self._client.post, "/api/ground", json=body, headers=headers)


@pytest.fixture
def asking(client: TestClient, image: str) -> Asking:
    return Asking(client, image)


def kind(answer: Future[Any]) -> tuple[int, str]:
    said = answer.result(SOON)
    return said.status_code, said.json()["error"]["kind"]


def title(answer: Future[Any]) -> str:
    said = answer.result(SOON)
    assert said.status_code == 200, said.text
    return View.unpack(said.content).title


def test_a_newer_phrase_of_a_tab_takes_the_place_of_one_that_waits(
    service: Service, asking: Asking, busy: Any
) -> None:
    with busy():
        older = asking.ground("the red circle", "one")
        until(lambda: service.queue.places("").waiting == 1)
        other = asking.ground("the star", "two")
        until(lambda: service.queue.places("").waiting == 2)
        newer = asking.ground("the blue square", "one")
        assert kind(older) == (409, "superseded")
        assert service.queue.places("two") == Places(waiting=2, running=1, of=2)
    assert title(newer) == "the blue square"
    assert title(other) == "the star"


def test_a_job_is_cancelled_by_its_name(
    client: TestClient, service: Service, asking: Asking, busy: Any
) -> None:
    with busy():
        answer = asking.ground("the star", "one", "mine")
        until(lambda: service.queue.places("one").of == 1)
        assert client.delete("/api/jobs/mine").json() == {"job": "mine", "was": "waiting"}
        assert kind(answer) == (409, "cancelled")
        assert client.delete("/api/jobs/held-up").json()["was"] == "running"
    assert client.delete("/api/jobs/mine").status_code == 404


def test_a_name_that_is_taken_or_none_is_refused(
    client: TestClient, image: str, asking: Asking, busy: Any
) -> None:
    with busy():
        assert kind(asking.ground("the star", job="held-up")) == (409, "known-job")
    for name in ("a b", "x" * 65, "<script>"):
        assert kind(asking.ground("the star", job=name)) == (400, "bad-request")
        assert client.get("/api/queue", headers={"x-vlmscope-tab": name}).status_code == 400


def test_a_full_line_is_said(
    service: Service, asking: Asking, busy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.queue, "_most", 2)
    with busy():
        answers = [asking.ground("the star", tab) for tab in ("one", "two")]
        until(lambda: service.queue.places("").waiting == 2)
        assert kind(asking.ground("the star", "three")) == (429, "busy")
    assert [title(each) for each in answers] == ["the star", "the star"]


def test_several_tabs_at_once_each_get_their_own(asking: Asking) -> None:
    phrases = ["the red circle", "the blue square", "the star", "the largest shape"] * 3
    answers = [asking.ground(phrase, f"tab{at}") for at, phrase in enumerate(phrases)]
    assert [title(each) for each in answers] == phrases


def test_the_page_is_served_while_the_model_is_busy(client: TestClient, busy: Any) -> None:
    with busy():
        begun = time.monotonic()
        assert client.get("/").status_code == 200
        assert client.get("/api/queue").json() == {"waiting": 0, "running": 1, "of": None}
        assert time.monotonic() - begun < 5


async def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.005)


async def asked(gate: Any, image: str, gone: asyncio.Event) -> list[Any]:
    """A phrase of a client that vanishes; what it was sent."""
    body = json.dumps({"image": image, "phrase": "the star"}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "x-vlmscope-tab": "vanishing",
    }
    named = [(key.encode(), value.encode()) for key, value in headers.items()]
    await gate({**SCOPE, "path": "/api/ground", "headers": named}, receive, send)
    return sent


def test_an_upload_that_breaks_off_is_no_fault(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [
        {"type": "http.request", "body": b"a part", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {**SCOPE, "path": "/api/images", "headers": [(b"host", b"127.0.0.1")]}
    asyncio.run(application(service)(scope, receive, send))
    assert sent[0]["status"] == 400
    assert service.uploading == 0
    assert not caplog.records


def test_a_client_that_has_gone_cancels_what_waits(service: Service, image: str, busy: Any) -> None:
    async def vanish() -> list[Any]:
        gone = asyncio.Event()
        task = asyncio.ensure_future(asked(application(service), image, gone))
        await _until(lambda: service.queue.places("vanishing").of == 1)
        gone.set()
        return await asyncio.wait_for(task, SOON)

    with busy():
        sent = asyncio.run(vanish())
        assert service.queue.places("vanishing") == Places(waiting=0, running=1, of=None)
    assert sent[0]["status"] == 409


def test_a_client_that_has_gone_stops_what_runs(
    service: Service, image: str, llava: LoadedModel
) -> None:
    entered, released = threading.Event(), threading.Event()
    layers: list[int] = []

    def hold(*_: Any) -> None:
        entered.set()
        assert released.wait(SOON)

    hooks = [llava.layers[1].register_forward_hook(hold)]
    hooks.append(llava.layers[3].register_forward_hook(lambda *_: layers.append(3)))

    async def vanish() -> None:
        gone = asyncio.Event()
        task = asyncio.ensure_future(asked(application(service), image, gone))
        await _until(entered.is_set)
        gone.set()
        await asyncio.wait_for(task, SOON)

    try:
        asyncio.run(vanish())
        released.set()
        until(lambda: service.queue.places("").running == 0)
    finally:
        released.set()
        for hook in hooks:
            hook.remove()
    assert layers == []  # it stopped at the layer after the one that it was in
