"""The key reaches the endpoint in one header, and nobody else in any form."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from chat_server import QUESTION, Ways, picture, serving
from chat_server import small_model as model
from vlmscope.analysis.endpoint import EndpointOptions, ExplainOptions
from vlmscope.analysis.endpoint.client.key import Key
from vlmscope.errors import BadOptionError, EndpointError

SECRET = "sk-0123456789abcdefSECRET"
SMALL = ExplainOptions(grid=2, steps=2)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_it_is_sent_and_stands_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(reply: dict[str, Any], _: int) -> dict[str, Any]:
        reply["choices"][0]["finish_reason"] = f"stop {SECRET}"  # a server may say what it likes
        return {**reply, SECRET: SECRET}

    ways = Ways(prompt=True, stop_after=4, key=SECRET, broken=["down", "busy"], spoil=echo)
    with serving(ways, model()) as server:
        endpoint = vs.Endpoint(server.url, "random", key_from="MY_KEY")
        result = vs.explain_endpoint(
            endpoint, picture(), QUESTION, SMALL, resume=tmp_path / "answers.jsonl", progress=True
        )
        assert {each["Authorization"] for each in server.headers} == {f"Bearer {SECRET}"}
    assert result.run["requests"]["repeated"] == 2
    result.save(tmp_path / "why.json")
    result.save(tmp_path / "why.html")
    result.save(tmp_path / "why.view")
    captured = capsys.readouterr()
    shown = [repr(endpoint), str(endpoint), repr(result), result.to_json(), result._repr_html_()]
    shown += [captured.out, captured.err, caplog.text, repr(vars(endpoint)), result.view().html()]
    shown += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    assert len(list(tmp_path.iterdir())) == 4
    for text in shown:
        assert SECRET not in text and SECRET[:12] not in text


@pytest.mark.parametrize(
    "kind", ["wrong", "down", "html", "cut_json", "elsewhere", "nothing", "hang_up"]
)
def test_no_error_holds_it(kind: str) -> None:
    ways = Ways(key="another") if kind == "wrong" else Ways(always=kind)
    ways.spoil = f"http://example.com/{SECRET}?key={SECRET}"
    with serving(ways, model()) as server:
        endpoint = vs.Endpoint(
            server.url, "random", key_from="MY_KEY", options=EndpointOptions(retries=1)
        )
        with pytest.raises(EndpointError) as caught:
            vs.explain_endpoint(endpoint, picture(), QUESTION, SMALL)
    text = "".join(traceback.format_exception(caught.value))
    chain: BaseException | None = caught.value
    while chain is not None:
        text += repr(chain) + repr(chain.args) + repr(vars(chain))
        text += _variables(chain)
        chain = chain.__cause__ or chain.__context__
    assert SECRET not in text and SECRET[:12] not in text
    if kind == "wrong":
        assert "does not accept the key in MY_KEY (HTTP 401)" in str(caught.value)


def _variables(error: BaseException) -> str:
    """Those of every frame that is not the test's own, as programs show them that print all."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return " ".join(repr(f.f_locals) for f in frames if f.f_code.co_filename != __file__)


def test_a_redirect_is_not_followed_and_the_key_not_sent_on() -> None:
    with serving(Ways(), model()) as other, serving(Ways(always="elsewhere"), model()) as server:
        server.ways.spoil = f"{other.url}/chat/completions"
        for code in (301, 302, 303, 307, 308):
            server.RequestHandlerClass._elsewhere = lambda self, _, code=code: self._send(  # type: ignore[attr-defined]
                code, b"", Location=self.server.ways.spoil
            )
            endpoint = vs.Endpoint(server.url, "random", key_from="MY_KEY")
            with pytest.raises(EndpointError, match=f"redirects to http://127.0.0.1 .HTTP {code}."):
                vs.explain_endpoint(endpoint, picture(), QUESTION, SMALL)
        assert other.headers == [] and len(server.headers) == 5


def test_none_is_sent_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with serving(Ways(key=SECRET), model()) as server:
        endpoint = vs.Endpoint(server.url, "random", key_from="")
        with pytest.raises(EndpointError, match="asks for a key .HTTP 401., and none was sent"):
            vs.explain_endpoint(endpoint, picture(), QUESTION, SMALL)
        assert "Authorization" not in server.headers[0]


def test_it_does_not_travel_unencrypted() -> None:
    for url in ("http://gpu-box:8000/v1", "http://10.0.0.7/v1", "http://127.0.0.1.example.com/v1"):
        with pytest.raises(BadOptionError, match="key in MY_KEY would go to .* unencrypted"):
            vs.Endpoint(url, "m", key_from="MY_KEY")
        vs.Endpoint(url, "m")  # nothing to be sent
    for url in (
        "https://gpu-box/v1",
        "http://localhost:1/v1",
        "http://127.0.0.3/v1",
        "http://[::1]/v1",
    ):
        vs.Endpoint(url, "m", key_from="MY_KEY")


def test_variables_that_hold_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Key() and not Key("")
    with pytest.raises(BadOptionError, match="OTHER_KEY is not set"):
        Key("OTHER_KEY")
    with pytest.raises(BadOptionError) as caught:
        Key(SECRET)  # the key itself in place of its variable is not repeated
    assert SECRET not in str(caught.value)
    for value in ("two words", "line\nbreak", "schlüssel", "\x7f"):
        monkeypatch.setenv("MY_KEY", value)
        with pytest.raises(BadOptionError, match="MY_KEY holds is no key") as caught:
            Key("MY_KEY")
        assert value not in str(caught.value)


def test_it_has_no_text_form() -> None:
    key = Key("MY_KEY")
    assert repr(key) == str(key) == f"{key}" == "Key(from MY_KEY)"
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copying(key)
    with pytest.raises(TypeError):
        json.dumps(key)
    with pytest.raises(TypeError):
        vars(key)
    assert key.hidden(f"no {SECRET} here") == "no [key] here"
    assert key.hidden_in({"a": [SECRET, 1, {SECRET: None}]}) == {"a": ["[key]", 1, {"[key]": None}]}
