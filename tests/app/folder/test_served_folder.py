"""A folder of labels behind the app: lists, pictures, decisions."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import vlmscope as vs
from label_folders import failure, row, thing, write_folder, write_pictures
from vlmscope.app import AppSettings
from vlmscope.app.folder.labels import ServedFolder
from vlmscope.app.service import Service
from vlmscope.app.web.application import application
from vlmscope.errors import BadImageError, BadSampleError, OutputError
from vlmscope.labels.audit import Decisions
from vlmscope.models import LoadedModel

NASTY = "<b>עברית & “x”.jpg"
ROWS = [
    thing("a.jpg", score=0.9),
    thing("a.jpg", instance=1, score=0.2, warnings=["It is cut off."]),
    row("b.jpg"),
    thing("sub/c.jpg", "<img src=x>", score=None),
    thing("../secret.jpg", "dog", score=0.5),
    failure("broken.jpg"),
    thing(NASTY, "dog", score=0.4),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Labels with their pictures beside them, and a secret above."""
    photos = tmp_path / "labels" / "photos"
    source = {"kind": "folder", "place": str(photos)}
    labels = write_folder(
        tmp_path / "labels", ROWS[:3], ROWS[3:], fingerprint="f", kept={"source": source}
    )
    write_pictures(photos, "a.jpg", "b.jpg", "sub/c.jpg", NASTY)
    write_pictures(tmp_path / "labels", "secret.jpg")
    return labels.path


@pytest.fixture
def client(place: Path, llava: LoadedModel) -> Iterator[TestClient]:
    service = Service(llava, AppSettings(), ServedFolder(place))
    yield TestClient(application(service), base_url="http://127.0.0.1:8420")
    service.close()


def ids(client: TestClient, **query: Any) -> list[tuple[str, int]]:
    said = client.get("/api/folder", params=query).json()
    return [(each["id"], each["instance"]) for each in said["rows"]]


def decide(client: TestClient, verdict: str | None, **more: Any) -> Any:
    body = {"id": "a.jpg", "phrase": "cat", "instance": 0, "decision": verdict, **more}
    return client.put("/api/folder/decisions", json=body)


def test_objects_are_listed_in_stretches(client: TestClient) -> None:
    assert client.get("/api/session").json()["folder"] == {
        "name": "labels",
        "images": 4,
        "objects": 5,
    }
    said = client.get("/api/folder").json()
    assert said["total"] == 5
    first = said["rows"][0]
    assert first == {
        "id": "a.jpg",
        "image": "api/folder/pictures/a.jpg",
        "size": [80, 100],
        "phrase": "cat",
        "instance": 0,
        "box": [10.0, 20.0, 50.0, 60.0],
        "score": 0.9,
        "warnings": [],
        "decision": None,
        "corrected": None,
    }
    assert ids(client, offset=1, limit=2) == [("a.jpg", 1), ("sub/c.jpg", 0)]
    assert ids(client, offset=99) == []


def test_filters(client: TestClient) -> None:
    assert ids(client, least_score=0.5) == [("a.jpg", 0), ("../secret.jpg", 0)]
    assert ids(client, warning=True) == [("a.jpg", 1)]
    assert len(ids(client, warning=False)) == 4
    assert decide(client, "accept").status_code == 200
    assert ids(client, decision="accept") == [("a.jpg", 0)]
    assert len(ids(client, decision="none")) == 4
    assert len(ids(client, decision="", least_score="", warning="")) == 5
    for wrong in ({"least_score": "nan"}, {"decision": "maybe"}, {"limit": 0}, {"offset": -1}):
        assert client.get("/api/folder", params=wrong).status_code == 422


def test_pictures_come_by_their_ids(client: TestClient) -> None:
    for each in client.get("/api/folder").json()["rows"]:
        answer = client.get(f"/{each['image']}", params={"side": 50})
        if each["id"] == "../secret.jpg":
            assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-image")
            continue
        assert answer.status_code == 200, each
        assert Image.open(io.BytesIO(answer.content)).size == (50, 40)


@pytest.mark.parametrize(
    "name",
    [
        "b2.jpg",
        "../secret.jpg",
        "..%2Fsecret.jpg",
        "photos/../../secret.jpg",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "job.json",
        "broken.jpg",
        "%00",
    ],
)
def test_nothing_else_comes(client: TestClient, name: str, place: Path) -> None:
    answer = client.get(f"/api/folder/pictures/{name}")
    assert answer.status_code in (400, 404)
    assert set(answer.json()) == {"error"}
    assert str(place) not in answer.text


def test_links_out_are_not_followed(client: TestClient, place: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "elsewhere", "real.jpg")
    photo = place / "photos" / "a.jpg"
    photo.unlink()
    photo.symlink_to(tmp_path / "elsewhere" / "real.jpg")
    answer = client.get("/api/folder/pictures/a.jpg")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-image")


def test_pictures_elsewhere_are_read_only_where_somebody_named_the_place(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", "a.jpg", "sub/c.jpg")
    source = {"kind": "folder", "place": str(photos)}
    labels = write_folder(tmp_path / "labels", ROWS[:1], fingerprint="f", kept={"source": source})
    with pytest.raises(BadImageError, match="--source SRC"):
        ServedFolder(labels.path).picture("a.jpg", 50)
    for named in (str(photos), str(photos / "*.jpg")):
        assert ServedFolder(labels.path, named).picture("a.jpg", 50)


def test_decisions_are_written_where_stats_reads_them(client: TestClient, place: Path) -> None:
    decide(client, "accept")
    decide(client, "reject", instance=1, box=[1, 2, 3.5, 4])
    body = {"id": NASTY, "phrase": "dog", "instance": 0, "decision": "unsure"}
    client.put("/api/folder/decisions", json=body)
    file = place / "decisions.json"
    decisions = Decisions.read(file)
    assert {each.key: each.verdict for each in decisions.each} == {
        ("a.jpg", "cat", 0): "accept",
        ("a.jpg", "cat", 1): "reject",
        (NASTY, "dog", 0): "unsure",
    }
    assert decisions.population == 5 and decisions.drawn == 3
    assert json.loads(file.read_text("utf-8")) == client.get("/api/folder/decisions").json()
    stats = vs.label_stats(place, decisions=file)
    assert stats.precision is not None
    assert (stats.precision.accepted, stats.precision.rejected) == (1, 1)
    assert not list(place.glob(".*"))  # nothing half-written stays
    decide(client, None)
    assert len(Decisions.read(file).each) == 2


def test_decisions_are_there_after_a_new_start(client: TestClient, place: Path) -> None:
    said = decide(client, "reject", box=[1, 2, 3.5, 4]).json()
    assert said == {"decision": "reject", "corrected": [1.0, 2.0, 3.5, 4.0]}
    again = ServedFolder(place)
    key = ("a.jpg", "cat", 0)
    assert again.book.of(key) == "reject"
    assert again.book.box_of(key) == [1.0, 2.0, 3.5, 4.0]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"id": "none"}, 404),
        ({"instance": 7}, 404),
        ({"phrase": "dog"}, 404),
        ({"decision": "maybe"}, 422),
        ({"box": [3, 2, 1, 4]}, 400),
        ({"box": [0, 0, 1]}, 422),
        ({"box": [0, 0, "1e999", 4]}, 422),
        ({"instance": True}, 404),
        ({"more": 1}, 422),
    ],
)
def test_decisions_about_nothing_change_nothing(
    client: TestClient, place: Path, more: dict[str, Any], status: int
) -> None:
    if more == {"instance": True}:
        more, status = {"instance": "x"}, 422
    assert decide(client, "accept", **more).status_code == status
    assert not (place / "decisions.json").exists()


def test_decisions_about_another_job_are_not_written_over(place: Path) -> None:
    served = ServedFolder(place)
    served.book.decide(("a.jpg", "cat", 0), "accept")
    file = place / "decisions.json"
    file.write_text(file.read_text("utf-8").replace('"f"', '"other"'))
    with pytest.raises(BadSampleError, match="another job"):
        ServedFolder(place)
    file.write_text("{")
    with pytest.raises(BadSampleError):
        ServedFolder(place)


@pytest.mark.parametrize("name", ["job.json", "parts/0.parquet", "decisions.json"])
def test_a_folder_whose_files_are_links_out_is_refused(
    place: Path, tmp_path: Path, name: str
) -> None:
    ServedFolder(place).book.decide(("a.jpg", "cat", 0), "accept")
    (place / name).rename(tmp_path / "moved")
    (place / name).symlink_to(tmp_path / "moved")
    with pytest.raises(OutputError, match="leads out"):
        ServedFolder(place)


def test_what_is_no_folder_of_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder of labels"):
        ServedFolder(tmp_path)


def test_names_in_addresses_are_quoted(client: TestClient) -> None:
    rows = client.get("/api/folder").json()["rows"]
    assert rows[-1]["image"] == f"api/folder/pictures/{quote(NASTY, safe='')}"
