"""One small model behind the app, made once for each file that asks it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import vlmscope as vs
from app_pictures import encoded
from vlmscope.models import LoadedModel

pytest.importorskip("fastapi", reason="fastapi, which the app is made of, is absent")

from fastapi.testclient import TestClient

from vlmscope.app import AppSettings
from vlmscope.app.engine.job import Job
from vlmscope.app.service import Service
from vlmscope.app.web.application import application

HERE = "http://127.0.0.1:8420"


@pytest.fixture(scope="session")
def llava() -> LoadedModel:
    return vs.load("tiny-llava")


@pytest.fixture(scope="module")
def service(llava: LoadedModel) -> Iterator[Service]:
    made = Service(llava, AppSettings())
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(service: Service) -> TestClient:
    """Asks the app as a browser on this machine would; whatever it raises is an answer, too."""
    return TestClient(application(service), base_url=HERE, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def image(client: TestClient) -> str:
    """Id of a picture that was sent."""
    answer = client.post("/api/images", content=encoded())
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["image"]
    return name


@pytest.fixture
def busy(service: Service) -> Callable[[], Any]:
    """A context in which the model's thread is held up, and jobs wait."""

    @contextmanager
    def held() -> Iterator[None]:
        begun, released = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            assert released.wait(30)

        job = Job("held-up", "", "/held-up", work)
        service.queue.submit(job)
        assert begun.wait(30)
        try:
            yield
        finally:
            released.set()
            job.future.exception(30)

    return held
