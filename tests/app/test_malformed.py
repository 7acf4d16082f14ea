"""Whatever is sent, the app answers, in one form, and goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app_requests import WrongRequest, wrong_requests
from label_folders import thing, write_folder
from vlmscope.app import AppSettings
from vlmscope.app.folder.labels import ServedFolder
from vlmscope.app.service import Service
from vlmscope.models import LoadedModel


@pytest.fixture(scope="module")
def service(llava: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With a folder, so that every endpoint has something to say."""
    place: Path = tmp_path_factory.mktemp("labels") / "of"
    write_folder(place, [thing("the red circle"), thing("none", score=None)], fingerprint="f")
    made = Service(llava, AppSettings(), ServedFolder(place))
    yield made
    made.close()


def answered(client: TestClient, request: WrongRequest) -> Any:
    headers = {"content-type": "application/json", **request.headers}
    return client.request(
        request.method,
        request.path,
        params=request.query,
        content=request.content,
        headers=headers,
        follow_redirects=False,
    )


@pytest.mark.parametrize("count", [150, pytest.param(2_000, marks=pytest.mark.long)])
def test_wrong_requests_are_answered_and_break_nothing(
    client: TestClient, image: str, count: int
) -> None:
    schema = client.get("/api/openapi.json").json()
    statuses: Counter[int] = Counter()
    for request in wrong_requests(schema, image, count, seed=count):
        answer = answered(client, request)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (request, answer.text)
        if answer.status_code >= 400 and request.method != "HEAD":
            assert set(answer.json()) == {"error"}, (request, answer.text)
            assert set(answer.json()["error"]) == {"kind", "message"}
            assert "Traceback" not in answer.text
    assert {200, 400, 404, 405, 422} <= set(statuses), statuses
    right = client.post("/api/ground", json={"image": image, "phrase": "the red circle"})
    assert right.status_code == 200
    assert client.get("/api/queue").json() == {"waiting": 0, "running": 0, "of": None}
