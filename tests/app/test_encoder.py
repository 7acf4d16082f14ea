"""A model that says nothing is served, too: phrases and methods, and a sentence where it has no answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import vlmscope as vs
from app_pictures import encoded
from vlmscope.app import AppSettings
from vlmscope.app.service import Service
from vlmscope.app.web.application import application
from vlmscope.viewer import View


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(vs.load("tiny-clip"), AppSettings())
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(service: Service) -> TestClient:
    return TestClient(application(service), base_url="http://127.0.0.1")


def test_its_session_has_no_heads_and_no_answers(client: TestClient) -> None:
    said = client.get("/api/session").json()
    assert said["model"]["kind"] == "encoder"
    assert said["model"]["layers"] is said["heads"] is said["heads_source"] is None
    assert not any(said["features"].values())
    methods = {each["id"] for each in said["methods"]}
    assert said["method"] in methods
    assert "proxyclip" not in methods  # it needs a second tower


def test_phrases_have_scenes_and_no_grid_of_heads(client: TestClient, image: str) -> None:
    answer = client.post("/api/ground", json={"image": image, "phrase": "the red circle"})
    [scene] = View.unpack(answer.content).blocks
    alone = vs.ground(vs.load("tiny-clip"), encoded(), "the red circle")
    assert scene["box"] == pytest.approx(list(alone.box or ()))
    two = {"image": image, "phrase": "the star", "methods": ["gem", "maskclip"]}
    blocks = View.unpack(client.post("/api/compare", json=two).content).blocks
    [compared] = [each for each in blocks if each["type"] == "compare"]
    assert [each["title"] for each in compared["scenes"]] == ["gem", "maskclip"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("answer", {"question": "what"}),
        ("knockout", {"question": "what"}),
        ("steer", {"question": "what", "box": [0, 0, 9, 9]}),
        ("faithfulness", {"phrase": "a star"}),
        ("patch", {"phrase": "a star", "cell": 0}),
    ],
)
def test_what_needs_an_answer_says_so(
    client: TestClient, image: str, path: str, more: dict[str, object]
) -> None:
    answer = client.post(f"/api/{path}", json={"image": image, **more})
    assert answer.status_code == 400
    assert answer.json()["error"]["kind"] == "unsupported"
    assert "is an encoder" in answer.json()["error"]["message"]


def test_chosen_heads_are_not_silently_left_out(client: TestClient, image: str) -> None:
    body = {"image": image, "phrase": "a star", "heads": [[0, 0]]}
    [scene] = View.unpack(client.post("/api/ground", json=body).content).blocks
    assert "reads no chosen heads" in scene["warnings"][0]
