"""``vlmscope app``: what it refuses before anything is loaded, and what it says."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="fastapi, which the app is made of, is absent")

from vlmscope.app import serving


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing is served: what would be, and the browser that would be opened, are noted."""
    noted: list[Any] = []

    def serve(application: Any, taken: Any, ready: Callable[[], None]) -> None:
        noted.append(taken.getsockname())
        ready()

    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr("webbrowser.open", lambda url: noted.append(url))
    return noted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--token"),
        (["--host", "192.168.0.7", "--token", "two words"], "one word"),
        (["--port", "70000"], "70000"),
        (["--folder", "nowhere"], "no folder of labels"),
        (["--heads", "L99H0"], "L99H0"),
        (["tiny-clip", "--heads", "L0H0"], "is an encoder"),
        ([" "], "empty"),
    ],
)
def test_what_is_wrong_is_said_at_once(
    refused: Callable[..., str], words: list[str], said: str
) -> None:
    refused(["app", "--no-open", *words], said)


def test_a_missing_extra_is_named(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    refused(["app", "--no-open"], "pip install 'vlmscope[app]'")


def test_the_first_line_is_the_address(run: Any, served: list[Any], checkpoint: Path) -> None:
    result = run("app", checkpoint, "--port", 0)
    assert result.code == 0
    end = time.monotonic() + 10
    while len(served) < 2 and time.monotonic() < end:
        time.sleep(0.01)  # the browser is opened by another thread
    [(host, port), url] = served
    assert result.out.splitlines()[0] == url == f"http://{host}:{port}/"


def test_nothing_is_opened_unless_wanted(run: Any, served: list[Any], checkpoint: Path) -> None:
    words = ["--no-open", "--json", "--port", 0, "--root-path", "/x", "--token", "short"]
    result = run("app", "--model", checkpoint, *words)
    time.sleep(0.1)
    assert len(served) == 1
    port = served[0][1]
    assert json.loads(result.out) == {
        "url": f"http://127.0.0.1:{port}/x/?token=short",
        "token": "short",
    }
    assert "can be guessed" in result.err


def test_a_model_that_says_nothing_is_served_too(run: Any, served: list[Any]) -> None:
    assert run("app", "tiny-clip", "--port", 0, "--no-open").code == 0
    assert served
