"""Addresses, retries, the pace, side by side, and what is on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from chat_server import QUESTION, ChatServer, Ways, picture, serving
from chat_server import small_model as model
from vlmscope.analysis.endpoint import EndpointExplanation, EndpointOptions, ExplainOptions
from vlmscope.analysis.endpoint.client.address import Address
from vlmscope.analysis.endpoint.client.pace import Pace, pause_before, told_to_wait
from vlmscope.errors import BadOptionError, EndpointError, ModelMismatchError

WHOLE: dict[str, Any] = {"prompt": True, "stop_after": 4}


def explained(
    server: ChatServer, name: str = "random", options: ExplainOptions | None = None, **more: Any
) -> EndpointExplanation:
    requests = more.pop("requests", None)
    endpoint = vs.Endpoint(server.url, name, key_from="", options=requests)
    small = options or ExplainOptions(grid=3, steps=3)
    return vs.explain_endpoint(endpoint, picture(), QUESTION, small, **more)


def test_what_fails_is_asked_again_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmscope.analysis.endpoint.client.pace._FIRST", 0.01)
    with serving(Ways(**WHOLE), model()) as server:
        clean = explained(server)
    broken = ["busy", "hang_up", "down", "cut_json", "list"]
    with serving(Ways(broken=list(broken), **WHOLE), model()) as server:
        result = explained(server, requests=EndpointOptions(retries=5))
        sent = len(server.headers)
    np.testing.assert_array_equal(result.map, clean.map)
    requests = result.run["requests"]
    assert requests["repeated"] == len(broken) and requests["sent"] == sent
    assert requests["sent"] == clean.run["requests"]["sent"] + len(broken)


def test_what_cannot_get_better_is_asked_once() -> None:
    for kind in ("html", "too_large", "elsewhere"):
        with serving(Ways(always=kind, spoil="/v2"), model()) as server:
            with pytest.raises(EndpointError):
                explained(server)
            assert len(server.headers) == 1


def test_several_at_once_give_the_same_and_no_more() -> None:
    with serving(Ways(**WHOLE), model()) as server:
        one = explained(server, requests=EndpointOptions(at_once=1))
        assert server.most_at_once == 1
    with serving(Ways(delay=0.05, **WHOLE), model()) as server:
        three = explained(server, requests=EndpointOptions(at_once=3))
        assert 1 < server.most_at_once <= 3
    np.testing.assert_array_equal(one.map, three.map)
    assert one.curve_record == three.curve_record


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "answers.jsonl"
    with serving(Ways(**WHOLE), model()) as server:
        whole = explained(server)
        requests = len(server.seen)
    with serving(Ways(**WHOLE), model()) as server:
        stop = EndpointOptions(budget=7, at_once=1)
        endpoint = vs.Endpoint(
            server.url, "random", key_from="", options=EndpointOptions(at_once=1)
        )
        server.ways.spoil = lambda reply, number: reply if number < 8 else {}
        with pytest.raises(EndpointError, match="holds no completion"):
            vs.explain_endpoint(
                endpoint, picture(), QUESTION, ExplainOptions(grid=3, steps=3), resume=state
            )
        assert len(state.read_text().splitlines()) == 1 + 7
        server.ways.spoil, server.seen[:] = None, []
        # what is on disk needs no budget
        with pytest.raises(BadOptionError, match="This run needs 16 requests"):
            explained(server, resume=state, requests=stop)
        result = explained(server, resume=state)
        assert len(server.seen) == requests - 7
        again = explained(server, resume=state, requests=EndpointOptions(budget=1))
        assert len(server.seen) == requests - 7  # nothing is asked twice
    np.testing.assert_array_equal(result.map, whole.map)
    np.testing.assert_array_equal(again.map, whole.map)
    assert result.curve_record == again.curve_record == whole.curve_record
    assert again.run["requests"] | {"sent": 0, "from_disk": requests} == again.run["requests"]
    lines = [json.loads(line) for line in state.read_text().splitlines()]
    assert "base64" not in state.read_text() and len(lines) == 1 + requests


def test_a_state_file_of_another_model_is_refused(tmp_path: Path) -> None:
    with serving(Ways(**WHOLE), model()) as server:
        explained(server, resume=tmp_path / "state", options=ExplainOptions(grid=2, curves=False))
        with pytest.raises(ModelMismatchError, match="made with model 'random', now it is 'other'"):
            explained(server, "other", resume=tmp_path / "state")


class Clock:
    """Time that goes by only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_pace() -> None:
    clock = Clock()
    pace = Pace(30, lambda: clock.now, clock.sleep)
    starts = []
    for _ in range(4):
        pace.wait()
        starts.append(clock.now)
    assert starts == [100, 102, 104, 106]
    clock.now = 200
    pace.wait()
    assert clock.now == 200  # time that went by is not made up for, nor waited for again
    pace.pause(30)
    pace.wait()
    assert clock.now == 230
    free = Pace(None, lambda: clock.now, clock.sleep)
    free.wait()
    free.wait()
    assert clock.now == 230


def test_pauses_double_and_differ() -> None:
    assert [pause_before(n, lambda: 1.0) for n in (1, 2, 3, 7, 2_000)] == [0.5, 1, 2, 30, 30]
    assert [pause_before(n, lambda: 0.0) for n in (1, 2)] == [0.25, 0.5]
    assert len({pause_before(3) for _ in range(8)}) > 1


def test_what_an_endpoint_asks_to_wait() -> None:
    assert told_to_wait("1.5") == 1.5 and told_to_wait("-3") == 0
    assert told_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert told_to_wait("Wed, 21 Oct 2995 07:28:00 GMT") > 1e9  # type: ignore[operator]
    for header in (None, "", "soon", "Wed, 99 Oct"):
        assert told_to_wait(header) is None


def test_a_pause_that_was_asked_for_is_kept() -> None:
    with serving(Ways(broken=["busy"], **WHOLE), model()) as server:
        explained(server, options=ExplainOptions(grid=2, curves=False))
        assert server.times[1] - server.times[0] >= 0.05


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        (" http://localhost:8000/v1/ ", "http://localhost:8000/v1"),
        ("https://a.b/v1/chat/completions", "https://a.b/v1"),
        ("HTTPS://a.b/openai/v1", "https://a.b/openai/v1"),
    ],
)
def test_addresses(url: str, base: str) -> None:
    assert Address.of(url).base == base
    assert Address.of(url).chat == f"{base}/chat/completions"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("localhost:8000/v1", "begins with http"),
        ("ftp://a.b/v1", "begins with http"),
        ("http://", "begins with http"),
        ("", "begins with http"),
        ("http://a b/v1", "begins with http"),
        ("http://a.b:port/v1", "begins with http"),
        ("http://a.b\n/v1", "begins with http"),
        ("http://me:secret-9@a.b/v1", "holds no user name"),
        ("http://a.b/v1?key=secret-9", "ends before"),
        ("http://a.b/v1#secret-9", "ends before"),
    ],
)
def test_addresses_that_are_none(url: str, sentence: str) -> None:
    with pytest.raises(BadOptionError, match=sentence) as caught:
        vs.Endpoint(url, "m", key_from="")
    assert "secret-9" not in str(caught.value)


def test_options_out_of_range() -> None:
    for wrong in (
        {"budget": 0},
        {"at_once": 0},
        {"per_minute": 0},
        {"timeout": 0},
        {"retries": -1},
    ):
        with pytest.raises(BadOptionError, match=next(iter(wrong))):
            EndpointOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(BadOptionError, match="by its name"):
        vs.Endpoint("http://localhost/v1", " ", key_from="")
