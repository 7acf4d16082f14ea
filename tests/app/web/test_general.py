"""The session, pictures, the page: what is said before anything is asked of the model."""

from __future__ import annotations

import io
import json
import re

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app_pictures import encoded
from vlmscope.app.service import Service


def kind(answer: object) -> tuple[int, str]:
    """Status and kind of a refusal, which has nothing else in it."""
    body = answer.json()  # type: ignore[attr-defined]
    assert set(body) == {"error"} and set(body["error"]) == {"kind", "message"}
    assert "Traceback" not in body["error"]["message"]
    return answer.status_code, body["error"]["kind"]  # type: ignore[attr-defined]


def test_the_session_says_what_is_served(client: TestClient) -> None:
    said = client.get("/api/session").json()
    assert said["model"] == {
        "id": "tiny-llava",
        "family": "llava",
        "kind": "decoder",
        "layers": 6,
        "heads": 8,
        "dtype": "float32",
        "device": "cpu",
    }
    assert said["method"] == said["methods"][0]["id"] == "localization-heads"
    assert said["heads"] and all(len(head) == 2 for head in said["heads"])
    assert said["heads_source"] == "discovered"
    assert said["limits"] == {"bytes": 32 << 20, "pixels": 50_000_000, "phrase": 2_000}
    assert said["folder"] is None
    assert set(said["features"]) == {"answer", "knockout", "steer", "lens", "faithfulness"}


def test_a_picture_is_sent_and_shown(client: TestClient) -> None:
    answer = client.post("/api/images", content=encoded(3))
    assert answer.status_code == 201
    said = answer.json()
    assert (said["width"], said["height"]) == (128, 128)
    shown = client.get(f"/api/images/{said['image']}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size == (128, 128)


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", encoded()[:500]])
def test_what_is_no_picture_is_refused(client: TestClient, data: bytes) -> None:
    assert kind(client.post("/api/images", content=data)) == (400, "bad-image")


def test_a_picture_with_too_many_pixels_is_refused(client: TestClient) -> None:
    stream = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(stream, "png")  # 64 million in a few kilobytes
    assert kind(client.post("/api/images", content=stream.getvalue())) == (400, "bad-image")


def test_a_picture_with_too_many_bytes_is_refused(client: TestClient) -> None:
    answer = client.post("/api/images", content=bytes((32 << 20) + 1))
    assert kind(answer) == (413, "too-large")


def test_uploads_in_numbers_wait_for_each_other(client: TestClient, service: Service) -> None:
    service.uploading = 16
    try:
        assert kind(client.post("/api/images", content=encoded())) == (429, "busy")
    finally:
        service.uploading = 0
    assert client.post("/api/images", content=encoded()).status_code == 201
    assert client.post("/api/images", content=b"none").status_code == 400
    assert service.uploading == 0


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", (404, "not-found")),
        ("GET", "/api/nowhere", (404, "not-found")),
        ("GET", "/docs", (404, "not-found")),
        ("GET", "/redoc", (404, "not-found")),
        ("GET", "/openapi.json", (404, "not-found")),
        ("GET", "/../../etc/passwd", (404, "not-found")),
        ("GET", "/api/images/..%2f..%2fetc%2fpasswd", (404, "not-found")),
        ("GET", "/api/images/none", (404, "unknown-image")),
        ("DELETE", "/api/jobs/none", (404, "unknown-job")),
        ("POST", "/", (405, "not-allowed")),
        ("GET", "/api/ground", (405, "not-allowed")),
        ("GET", "/api/folder", (404, "no-folder")),
        ("GET", "/api/folder/decisions", (404, "no-folder")),
        ("GET", "/api/folder/pictures/a.jpg", (404, "no-folder")),
    ],
)
def test_what_is_not_there_is_said_in_one_form(
    client: TestClient, method: str, path: str, expected: tuple[int, str]
) -> None:
    assert kind(client.request(method, path)) == expected


def test_the_page_names_its_files_by_their_digests(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert '<main id="vlmscope">' in page.text and '<meta name="vlmscope-app"' in page.text
    assert "<script>" not in page.text and "style=" not in page.text  # the policy forbids both
    for file in re.findall(r'(?:src|href)="(viewer\.\w+\?\w+)"', page.text):
        answer = client.get(f"/{file}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        tag = answer.headers["etag"]
        assert client.get(f"/{file}", headers={"if-none-match": tag}).status_code == 304
    assert client.get("/viewer.js?old").headers["cache-control"] == "no-cache"
    assert client.get("/viewer.css").headers["content-type"].startswith("text/css")


def test_a_page_of_another_site_is_refused_before_anything_is_read(client: TestClient) -> None:
    evil = {"origin": "https://evil.example"}
    assert kind(client.post("/api/images", content=encoded(), headers=evil))[0] == 403
    assert kind(client.get("/api/session", headers={"host": "evil.example"}))[0] == 403


def test_the_schema_names_every_endpoint(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {
        "/api/session",
        "/api/images",
        "/api/images/{image}",
        "/api/ground",
        "/api/answer",
        "/api/knockout",
        "/api/steer",
        "/api/faithfulness",
        "/api/patch",
        "/api/compare",
        "/api/folder",
        "/api/folder/pictures/{name}",
        "/api/folder/decisions",
        "/api/queue",
        "/api/jobs/{job}",
    } == set(paths)
    assert "image/jpeg" not in json.dumps(paths["/api/ground"])
