"""What a request says is read, and what it lacks is said in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from methods.served.conftest import DOCS
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.methods.served import ServedRequest
from vlmscope.methods.served.request import FIELDS, TensorPlace

HERE = Path()
WORDS = {"type": "text", "text": "find the red circle"}
MESSAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}, WORDS]}


def test_the_recorded_one(recorded: Path) -> None:
    request = ServedRequest.read(recorded / "request.json")
    assert (request.model, request.preset, request.placement) == ("tiny-llava", "paper", None)
    assert request.image == recorded / "scene.png"
    assert request.layers[2] == TensorPlace("hidden_states", 0)


def test_messages_stand_for_their_words(request_value: dict[str, Any]) -> None:
    del request_value["prompt"], request_value["preset"]
    value = {**request_value, "messages": [MESSAGE], "phrase": "the red circle"}
    request = ServedRequest.of(value, HERE)
    assert request.prompt.text == "find the red circle"
    assert request.prompt.span == (5, 19)
    assert request.preset == "chat"
    assert request.asking("circle").prompt.span == (13, 19)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        "find it",
        [MESSAGE, MESSAGE],
        [{"role": "system", "content": "be kind"}],
        [{"role": "user", "content": "no picture"}],
        [{"role": "user", "content": [WORDS, MESSAGE["content"][0]]}],
        [{**MESSAGE, "role": "assistant"}],
    ],
)
def test_other_messages_are_refused(request_value: dict[str, Any], messages: Any) -> None:
    del request_value["prompt"]
    with pytest.raises(UnsupportedError, match="one picture, then one text"):
        ServedRequest.of({**request_value, "messages": messages}, HERE)


@pytest.mark.parametrize("name", ["model", "image", "layers"])
def test_a_field_that_is_missing(request_value: dict[str, Any], name: str) -> None:
    del request_value[name]
    with pytest.raises(BadOptionError, match=name):
        ServedRequest.of(request_value, HERE)


def test_neither_prompt_nor_messages_or_both(request_value: dict[str, Any]) -> None:
    with pytest.raises(BadOptionError, match="has both"):
        ServedRequest.of({**request_value, "messages": [MESSAGE]}, HERE)
    del request_value["prompt"]
    with pytest.raises(BadOptionError, match="has neither"):
        ServedRequest.of(request_value, HERE)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ({}, "names no layers"),
        (["a"], "names no layers"),
        ({"two": "a"}, "numbered from 0, got 'two'"),
        ({"-1": "a"}, "numbered from 0"),
        ({"2": 7}, "Layer 2 of the request is 7"),
        ({"2": ""}, "Layer 2 of the request is ''"),
        ({"2": {"tensor": "a"}}, "Layer 2 of the request"),
        ({"2": {"tensor": "a", "column": -1}}, "Layer 2 of the request"),
        ({"2": {"tensor": "a", "column": True}}, "Layer 2 of the request"),
        ({"2": "a", "3": "a"}, "one tensor as the input of two layers"),
    ],
)
def test_layers_that_say_nothing(request_value: dict[str, Any], layers: Any, sentence: str) -> None:
    with pytest.raises(BadOptionError, match=sentence):
        ServedRequest.of({**request_value, "layers": layers}, HERE)


def test_phrases_that_are_not_in_the_prompt(request_value: dict[str, Any]) -> None:
    for phrase, count in [("pizza", 0), ("l", 4)]:
        with pytest.raises(BadOptionError, match=f"stands {count} times"):
            ServedRequest.of({**request_value, "phrase": phrase}, HERE)


def test_fields_of_no_kind_and_values_of_another(request_value: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"promt.*prompt"):
        ServedRequest.of({**request_value, "promt": "x"}, HERE)
    with pytest.raises(BadOptionError, match="field model, a text: got 7"):
        ServedRequest.of({**request_value, "model": 7}, HERE)
    with pytest.raises(BadOptionError, match="field revision, a text"):
        ServedRequest.of({**request_value, "revision": ["a"]}, HERE)
    with pytest.raises(BadOptionError, match="JSON object, got list"):
        ServedRequest.of([request_value], HERE)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadOptionError, match="There is no request file"):
        ServedRequest.read(tmp_path / "request.json")
    (tmp_path / "cut.json").write_text('{"model": "tiny-')
    with pytest.raises(BadOptionError, match="cannot be read"):
        ServedRequest.read(tmp_path / "cut.json")


def test_the_schema_of_the_page_speaks_of_the_same_fields(recorded: Path) -> None:
    page = (DOCS / "serving.md").read_text()
    [text] = re.findall(r"```json\n(\{\n  \"\$schema\".*?)```", page, flags=re.DOTALL)
    schema = json.loads(text)
    assert set(schema["properties"]) == set(FIELDS)
    assert set(schema["required"]) == {"model", "image", "layers"}
    assert schema["additionalProperties"] is False
    shown = json.loads((recorded / "request.json").read_text())
    assert set(schema["required"]) <= set(shown) <= set(schema["properties"])
