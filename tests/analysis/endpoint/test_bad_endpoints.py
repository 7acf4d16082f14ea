"""Endpoints that cannot be used: each is refused in one sentence, and nothing becomes a zero."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from chat_server import QUESTION, ChatServer, Ways, picture, serving
from chat_server import small_model as model
from vlmscope.analysis.endpoint import EndpointExplanation, EndpointOptions, ExplainOptions
from vlmscope.errors import (
    BadImageError,
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    EndpointError,
)

SMALL = ExplainOptions(grid=3, steps=3, curves=False)
WHOLE: dict[str, Any] = {"prompt": True, "stop_after": 4}
ENDPOINT = vs.Endpoint("http://127.0.0.1:9/v1", "m", key_from="")
"""Nothing is sent to it."""


def explained(
    server: ChatServer, options: ExplainOptions = SMALL, *, requests: Any = None, **more: Any
) -> EndpointExplanation:
    settings = requests or EndpointOptions(retries=0)
    endpoint = vs.Endpoint(server.url, "random", key_from="", options=settings)
    return vs.explain_endpoint(endpoint, picture(), QUESTION, options, **more)


def refused(ways: Ways, error: type[Exception], sentence: str, **more: Any) -> str:
    with serving(ways, model()) as server, pytest.raises(error) as caught:
        explained(server, **more)
    said = " ".join(str(caught.value).split())
    assert sentence in said
    assert said.endswith(".") and "Traceback" not in said
    return said


def without(name: str) -> Any:
    def spoil(reply: dict[str, Any], _: int) -> dict[str, Any]:
        del reply["choices"][0][name]
        return reply

    return spoil


def test_no_log_probabilities() -> None:
    refused(Ways(logprobs=False, **WHOLE), EndpointError, "holds no log-probabilities")
    refused(Ways(spoil=without("logprobs"), **WHOLE), EndpointError, "holds no log-probabilities")
    refused(Ways(top=0, strict=False, **WHOLE), EndpointError, "at most 0")


def test_an_answer_that_is_cut_off() -> None:
    said = refused(
        Ways(prompt=True), EndpointError, "is cut off after 3 tokens",
        options=ExplainOptions(grid=3, max_new_tokens=3),
    )  # fmt: skip
    assert "--max-new-tokens" in said and "--answer" in said


def test_log_probabilities_of_fewer_tokens_than_the_answer() -> None:
    def cut(reply: dict[str, Any], _: int) -> dict[str, Any]:
        del reply["choices"][0]["logprobs"]["content"][-1]
        return reply

    refused(Ways(spoil=cut, **WHOLE), EndpointError, "cut short")


def test_an_answer_that_changes() -> None:
    def change(reply: dict[str, Any], number: int) -> dict[str, Any]:
        if number == 2:
            reply["choices"][0]["message"]["content"] = "large on cat circle"
        return reply

    said = refused(Ways(spoil=change, **WHOLE), EndpointError, "changes its answer")
    assert "'small on cat circle', then 'large on cat circle'" in said and "--answer" in said


def test_noise_above_the_effect_marks_the_map() -> None:
    with serving(Ways(noise=30.0, **WHOLE), model()) as server:
        result = explained(server, ExplainOptions(grid=3, seed=1, curves=False))
    assert result.noise > 1  # nats by which one picture differs from itself
    assert result.trusted == (result.effect > result.noise)
    quiet = replace(result, noise=result.effect)
    assert not quiet.trusted
    [sentence] = [each for each in quiet.warnings if "shows chance" in each]
    assert f"{quiet.noise:.3g} nats" in sentence
    assert quiet.view().blocks[0] == {"type": "note", "text": sentence}
    assert "not to be trusted" in repr(quiet)
    with serving(Ways(noise=1e-4, **WHOLE), model()) as server:
        calm = explained(server)
    assert 0 < calm.noise < 1e-3 < calm.effect and calm.trusted


def test_a_map_on_which_nothing_is_lost_says_so() -> None:
    pixels = np.full((40, 40, 3), 90, np.uint8)  # hiding a part of it changes nothing
    with serving(Ways(**WHOLE), model()) as server:
        endpoint = vs.Endpoint(server.url, "random", key_from="")
        result = vs.explain_endpoint(endpoint, pixels, QUESTION, ExplainOptions(grid=2, steps=2))
    assert not result.trusted and result.point is None and result.grounding.box is None
    assert "Nothing that was hidden lowers" in result.warnings[0]
    assert result.view().lead.startswith(
        "Hiding the picture lowers the answer's log-probability nowhere"
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("html", "answers with a page of HTML, so it is no chat endpoint"),
        ("cut_json", "answers with malformed JSON"),
        ("list", "answers with JSON that is no object"),
        ("nothing", "holds no completion"),
        ("down", "answers with HTTP 503"),
        ("busy", "answers with HTTP 429"),
        ("far_too_busy", "asks to wait for 86400 seconds"),
        ("hang_up", "cannot be reached: the connection broke"),
        ("too_large", "The picture is too large"),
    ],
)
def test_every_kind_of_bad_reply(kind: str, sentence: str) -> None:
    refused(Ways(always=kind), EndpointError, sentence)


def test_a_reply_that_comes_too_late() -> None:
    refused(
        Ways(always="slow"), EndpointError, "no reply within 0.2 seconds",
        requests=EndpointOptions(retries=0, timeout=0.2),
    )  # fmt: skip


def test_nothing_listens_and_another_path() -> None:
    endpoint = vs.Endpoint(
        "http://127.0.0.1:9/v1", "m", key_from="", options=EndpointOptions(retries=0)
    )
    with pytest.raises(EndpointError, match="nothing listens there"):
        vs.explain_endpoint(endpoint, picture(), QUESTION, SMALL)
    with serving(Ways(**WHOLE), model()) as server:
        endpoint = vs.Endpoint(server.url.removesuffix("/v1"), "m", key_from="")
        with pytest.raises(EndpointError, match="try that address") as caught:
            vs.explain_endpoint(endpoint, picture(), QUESTION, SMALL)
    assert f"{server.url}: try" in str(caught.value) and "HTTP 404" in str(caught.value)


def test_a_host_that_there_is_none_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    endpoint = vs.Endpoint("http://nowhere.example/v1", "m", key_from="")
    with pytest.raises(EndpointError, match="there is no host of that name. Check the address"):
        vs.explain_endpoint(endpoint, picture(), QUESTION, SMALL)


def test_some_replies_that_lack_something_are_counted() -> None:
    def lose(reply: dict[str, Any], number: int) -> dict[str, Any]:
        if number > 5 and number % 2:
            del reply["prompt_logprobs"]
        return reply

    said = refused(
        Ways(spoil=lose, **WHOLE),
        EndpointError,
        "of 6 pictures (occlusion) got a reply that cannot be used",
    )
    assert "it holds no log-probabilities of the prompt (2)." in said


def test_a_likeliest_list_that_is_too_long_for_the_endpoint() -> None:
    refused(Ways(top=5, **WHOLE), EndpointError, "fewer with --top")


def test_budgets() -> None:
    with serving(Ways(**WHOLE), model()) as server:
        with pytest.raises(BadOptionError) as caught:
            explained(server, requests=EndpointOptions(budget=9))
        assert "needs 10 requests" in str(caught.value) and "the budget is 9" in str(caught.value)
        assert server.headers == []  # nothing was sent
    with serving(Ways(prefill=True, stop_after=4, top=60), model()) as server:
        with pytest.raises(BadOptionError, match="This run needs 35 requests .*the budget is 34"):
            explained(server, requests=EndpointOptions(budget=34))
        assert len(server.seen) <= 11  # before the first of the windows
    with serving(Ways(**WHOLE), model()) as server:
        result = explained(server, requests=EndpointOptions(budget=10))
        assert result.run["requests"]["sent"] == len(server.seen) <= 10


def test_failed_requests_count_and_stop_at_the_budget() -> None:
    with serving(Ways(always="busy"), model()) as server:
        with pytest.raises(BadOptionError, match=r"budget of 12 requests is used up, 12 of them"):
            explained(server, requests=EndpointOptions(budget=12, retries=50))
        assert len(server.headers) == 12


def test_pictures_and_texts_that_cannot_be_asked_about() -> None:
    with pytest.raises(BadImageError, match="90 x 60 pixels.*--side"):
        vs.explain_endpoint(ENDPOINT, picture(), QUESTION, SMALL, max_pixels=5_000)
    with pytest.raises(BadImageError, match="no image file"):
        vs.explain_endpoint(ENDPOINT, "nowhere.png", QUESTION, SMALL)
    with pytest.raises(BadPhraseError, match="question is empty"):
        vs.explain_endpoint(ENDPOINT, picture(), "  ", SMALL)
    with pytest.raises(BadPhraseError, match="answer is empty"):
        vs.explain_endpoint(ENDPOINT, picture(), QUESTION, SMALL, answer="")


def test_a_picture_that_takes_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmscope.analysis.endpoint.pictures._MOST_BYTES", 10_000)
    with pytest.raises(BadImageError, match="more than the .* that endpoints take"):
        vs.explain_endpoint(ENDPOINT, picture(), QUESTION, SMALL)


def test_a_smaller_picture_is_sent() -> None:
    with serving(Ways(**WHOLE), model()) as server:
        result = explained(server, ExplainOptions(grid=3, side=45, curves=False), answer="small")
    assert result.image.shape == (30, 45, 3)
    assert result.run["original"] == [60, 90] and result.run["picture"] == {
        "height": 30,
        "width": 45,
    }


@pytest.mark.parametrize("windows", ["", "0", "3", "a", "1.5", "-1", "1,,x"])
def test_windows_that_are_none(windows: str) -> None:
    with pytest.raises(BadOptionError, match="windows are whole numbers from 1 to 2"):
        vs.explain_endpoint(ENDPOINT, picture(), QUESTION, ExplainOptions(grid=3, windows=windows))


def test_a_word_that_is_not_in_the_answer() -> None:
    refused(
        Ways(**WHOLE), BadSampleError, "does not hold the word 'pizza'",
        options=ExplainOptions(grid=3, word="pizza"),
    )  # fmt: skip
