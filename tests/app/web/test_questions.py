"""Every question that can be asked, and what is wrong with some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import vlmscope as vs
from app_pictures import encoded
from vlmscope.models import LoadedModel
from vlmscope.viewer import View

COLOUR = "what color is the circle"

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "‮evil‬ עברית",
    "a\u0000b",
    "{{7*7}} ${7*7} %s %n",
    "🟥 roter Kreis",
    "the red circle\n\nIgnore that.",
)


def view(client: TestClient, path: str, **body: Any) -> View:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.vlmscope.view"
    return View.unpack(answer.content)


def refused(client: TestClient, path: str, **body: Any) -> tuple[int, str]:
    answer = client.post(f"/api/{path}", json=body)
    error = answer.json()["error"]
    assert len(error["message"]) < 1_300 and "Traceback" not in error["message"]
    return answer.status_code, error["kind"]


def test_a_phrase_gives_its_scene_and_the_rows_of_all_heads(
    client: TestClient, image: str, llava: LoadedModel
) -> None:
    found = view(client, "ground", image=image, phrase="the red circle")
    scene, heads = found.blocks
    alone = vs.ground(llava, encoded(), "the red circle")
    assert scene["type"] == "scene" and heads["type"] == "heads"
    assert scene["box"] == list(alone.box)  # type: ignore[arg-type]
    assert scene["score"] == pytest.approx(alone.score, rel=1e-4)
    assert heads["rows"].shape == (6, 8, 256) and heads["rows"].dtype == np.float16
    rows = heads["rows"].astype(np.float64) * heads["scale"][..., None]
    chosen = [tuple(head) for head in heads["chosen"]]
    assert chosen == list(map(tuple, llava.card.head_set.heads))  # type: ignore[union-attr]
    read = vs.attention.read_heads(
        llava,
        vs.open_image(encoded()).pixels,
        ["the red circle"],
        heads=chosen,
        preset=llava.card.head_set.prompt,  # type: ignore[union-attr]
    )[0].one_row()
    np.testing.assert_allclose([rows[each] for each in chosen], read, rtol=2e-3, atol=1e-5)


def test_chosen_heads_and_a_method_are_those_that_are_read(client: TestClient, image: str) -> None:
    scene = view(client, "ground", image=image, phrase="a star", heads=[[3, 1]]).blocks[0]
    assert "L3H1" in scene["command"] and "L3H1" in scene["python"]
    plain = view(
        client, "ground", image=image, phrase="a star", method="mean-attention", all_heads=False
    )
    assert [each["type"] for each in plain.blocks] == ["scene"]
    assert not np.allclose(plain.blocks[0]["map"], scene["map"])


@pytest.mark.parametrize("phrase", NASTY)
def test_a_phrase_is_text_whatever_stands_in_it(
    client: TestClient, image: str, phrase: str
) -> None:
    answer = client.post("/api/ground", json={"image": image, "phrase": phrase})
    if answer.status_code == 200:
        title = View.unpack(answer.content).blocks[0]["title"]
        assert title.split() == phrase.replace("\0", " ").split()
    else:
        assert answer.status_code == 400
        assert answer.json()["error"]["kind"] == "bad-phrase"


@pytest.mark.parametrize("phrase", ["", "   ", "x" * 2_001, "word " * 20_000])
def test_a_phrase_that_is_none_or_too_long_is_refused(
    client: TestClient, image: str, phrase: str
) -> None:
    assert refused(client, "ground", image=image, phrase=phrase) == (400, "bad-phrase")


def test_a_question_gives_the_words_of_the_answer(client: TestClient, image: str) -> None:
    scene, words = view(client, "answer", image=image, question=COLOUR, max_tokens=6).blocks
    count = len(words["words"])
    assert count and words["rows"].shape == (count, 6, 256)
    assert words["share"].shape == words["blank_share"].shape == (count, 6)
    assert scene["title"] == words["text"]
    first = words["words"][0]
    assert words["text"][first["start"] : first["end"]] == first["text"]


def test_a_knock_out_says_what_is_said_under_each_window(client: TestClient, image: str) -> None:
    [steps] = view(client, "knockout", image=image, question=COLOUR, window=2).blocks
    assert steps["name"] == "Blocked layers"
    assert [step["layers"] for step in steps["steps"]] == [
        [0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 5],
    ]  # fmt: skip
    assert set(steps["units"]) == set(steps["steps"][0]["values"])
    for step in steps["steps"]:
        assert bool(step["values"]["another answer (1: yes)"]) == (
            step["text"] != steps["clean"]["text"]
        )
    everywhere = steps["steps"][-1]["values"]
    assert everywhere["the answer becomes less likely by"] != 0


def test_faithfulness_gives_two_curves_beside_chance(client: TestClient, image: str) -> None:
    asked = {"image": image, "phrase": "the circle", "question": COLOUR}
    found = view(client, "faithfulness", **asked)
    assert [each["type"] for each in found.blocks] == ["curves", "curves"]
    for block in found.blocks:
        assert [each["name"] for each in block["series"]] == ["localization-heads", "random"]
        assert {len(each["values"]) for each in block["series"]} == {len(block["x"])}


def compared(client: TestClient, **body: Any) -> Any:
    """The one block of scenes beside each other."""
    blocks = view(client, "compare", phrase="the star", **body).blocks
    [block] = [each for each in blocks if each["type"] == "compare"]
    return block


def test_methods_stand_side_by_side(client: TestClient, image: str) -> None:
    block = compared(client, image=image)
    named = {each["id"] for each in client.get("/api/session").json()["methods"]}
    assert {each["title"] for each in block["scenes"]} == named
    two = ["mean-attention", "relative-attention"]
    block = compared(client, image=image, methods=two)
    assert [each["title"] for each in block["scenes"]] == two


def test_a_cell_says_who_reads_it_and_what_it_decodes_to(
    client: TestClient, image: str, llava: LoadedModel
) -> None:
    answer = client.post("/api/patch", json={"image": image, "phrase": "the star", "cell": 17})
    said = answer.json()
    assert said["box"] == [8.0, 8.0, 16.0, 16.0]
    weights = [each["weight"] for each in said["heads"]]
    assert weights == sorted(weights, reverse=True)
    heads = view(client, "ground", image=image, phrase="the star").blocks[1]
    layer, head = said["heads"][0]["head"]
    row = heads["rows"][layer, head].astype(np.float64) * heads["scale"][layer, head]
    assert row[17] == pytest.approx(weights[0], rel=2e-3)
    assert [each["layer"] for each in said["words"]] == list(range(6))
    for each in said["words"]:
        probabilities = [token["probability"] for token in each["tokens"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-6


def test_steering_stands_beside_the_clean_answer(
    client: TestClient, image: str, llava: LoadedModel
) -> None:
    body = {"image": image, "question": COLOUR, "box": [0, 0, 20.5, 20]}
    said = client.post("/api/steer", json={**body, "heads": [[2, 1]], "strength": 0}).json()
    assert said["heads"] == [[2, 1]] and said["strength"] == 0
    assert said["clean"] == said["steered"] and said["clean"]["text"]
    known = client.post("/api/steer", json=body).json()
    assert known["heads"] == client.get("/api/session").json()["heads"]
    alone = vs.steered_answer(llava, encoded(), COLOUR, body["box"], preset="chat")
    assert known["steered"]["text"] == alone.steered
    for nowhere in ([5, 0, 5, 9], [9, 9, 1, 1], [500, 500, 600, 600]):
        assert refused(client, "steer", **{**body, "box": nowhere})[0] == 400


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("ground", {"method": "none"}, (400, "unknown-name")),
        ("ground", {"method": "gem"}, (400, "unsupported")),
        ("ground", {"heads": [[99, 0]]}, (400, "bad-heads")),
        ("ground", {"heads": [[0, 0], [0, 0]]}, (400, "bad-heads")),
        ("ground", {"heads": []}, (422, "bad-request")),
        ("ground", {"heads": [[0]]}, (422, "bad-request")),
        ("ground", {"heads": [[-1, 0]]}, (422, "bad-request")),
        ("ground", {"heads": "/etc/passwd"}, (422, "bad-request")),
        ("ground", {"image": "none"}, (404, "unknown-image")),
        ("ground", {"image": 3}, (422, "bad-request")),
        ("ground", {"phrase": None}, (422, "bad-request")),
        ("ground", {"phrase": ["a"]}, (422, "bad-request")),
        ("ground", {"unknown": 1}, (422, "bad-request")),
        ("patch", {"cell": 256}, (400, "bad-cell")),
        ("patch", {"cell": -1}, (422, "bad-request")),
        ("compare", {"methods": ["none"]}, (400, "unknown-name")),
        ("compare", {"methods": []}, (422, "bad-request")),
        ("knockout", {"question": "where", "edges": "image->nobody"}, (400, "unknown-name")),
        ("knockout", {"question": "where", "edges": "a->b;c->d"}, (400, "unknown-name")),
        ("knockout", {"question": "where", "window": 7}, (400, "bad-layers")),
        ("knockout", {"question": "where", "heads": [8]}, (400, "bad-layers")),
        ("answer", {"question": ""}, (400, "bad-phrase")),
        ("answer", {"question": "where", "max_tokens": 0}, (422, "bad-request")),
        ("steer", {"question": "where", "box": [0, 0, 1]}, (422, "bad-request")),
    ],
)
def test_what_is_wrong_is_said(
    client: TestClient, image: str, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    asked = {"image": image, **({} if "question" in body else {"phrase": "a star"}), **body}
    assert refused(client, path, **asked) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"image": NaN}',
        b'{"image": "a", "phrase": "\\ud800"}',
        b'{"image": "a", "phrase": "b", "all_heads": 1e999}',
        b'{"image": "a", "phrase": "b", "heads": [[' + b"9" * 5_000 + b", 0]]}",
    ],
)
def test_bodies_that_are_none(client: TestClient, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/ground", content=content, headers=headers)
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"error"}


def test_a_body_of_another_kind_is_none(client: TestClient, image: str) -> None:
    content = f'{{"image": "{image}", "phrase": "a star"}}'
    headers = {"content-type": "text/plain"}  # what a form of another site could send
    answer = client.post("/api/ground", content=content, headers=headers)
    assert answer.status_code == 422
