"""``vlmscope explain``: a served model, on a real server of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from chat_server import QUESTION, ChatServer, Ways, serving, small_model

SECRET = "sk-0123456789abcdefSECRET"


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving(Ways(prompt=True, stop_after=4), small_model()) as running:
        yield running


def words(server: ChatServer, *more: object) -> list[object]:
    place = ["--endpoint", server.url, "--model", "random", "--key-from", ""]
    return ["explain", *more[:1], QUESTION, *place, "--grid", 3, "--steps", 2, *more[1:]]


def test_everything_it_writes(server: ChatServer, run: Any, photo: Path, tmp_path: Path) -> None:
    places = ["--html", tmp_path / "w.html", "--out", tmp_path / "w.json"]
    result = run(*words(server, photo, *places, "--picture", tmp_path / "w.png"))
    assert result.code in (0, 1), result
    assert "log-probabilities by prompt-logprobs; " in result.err
    kept = json.loads((tmp_path / "w.json").read_text())
    assert f"{kept['run']['requests']['sent']} requests" in result.err
    assert kept["answer"] in result.out and "largest drop: what hiding" in result.out
    assert (result.code == 0) == kept["trusted"]
    assert (tmp_path / "w.png").is_file()
    assert vs.View.read(tmp_path / "w.html").title == f"{QUESTION} → {kept['answer']}"
    again = run(*words(server, photo, "--json", "--quiet"))
    assert again.err == "".join(f"warning: {each}\n" for each in kept["warnings"])
    assert json.loads(again.out)["map"] == kept["map"]


def test_a_run_is_resumed_and_the_budget_counts_what_is_left(
    server: ChatServer, run: Any, refused: Any, photo: Path, tmp_path: Path
) -> None:
    refused(words(server, photo, "--budget", 5), "This run needs", "the budget is 5")
    state = ["--resume", tmp_path / "state.jsonl"]
    first = run(*words(server, photo, *state, "--json"))
    second = run(*words(server, photo, *state, "--json", "--budget", 1))
    assert json.loads(first.out)["map"] == json.loads(second.out)["map"]
    assert json.loads(second.out)["run"]["requests"]["sent"] == 0
    assert "0 requests, " in second.err and "answers from disk" in second.err


def test_what_is_missing_is_said(server: ChatServer, refused: Any, photo: Path) -> None:
    refused(["explain", photo, QUESTION, "--model", "m"], "--endpoint URL is missing")
    refused(["explain", photo, QUESTION, "--endpoint", server.url], "--model NAME is missing")
    refused(words(server, "nowhere.png"), "no image file")
    refused(words(server, photo, "--max-pixels", 100), "--side")
    refused(words(server, photo, "--windows", "9"), "windows are whole numbers")
    refused(words(server, photo, "--way", "echo"), "prompt-logprobs")


def test_a_wrong_key_is_named_by_its_variable(
    refused: Any, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    with serving(Ways(key="another"), small_model()) as server:
        place = ["--endpoint", server.url, "--model", "m", "--key-from", "MY_KEY"]
        for more in ([], ["--json"]):
            said = refused(["explain", photo, QUESTION, *place, *more], "MY_KEY (HTTP 401)")
            assert SECRET not in said
    refused(["explain", photo, QUESTION, "--endpoint", "http://localhost:9/v1", "--model", "m",
             "--key-from", "NO_KEY"], "NO_KEY is not set")  # fmt: skip
