"""What replies say, and what they lack."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from vlmscope.analysis.endpoint.replies import IncompleteReply, Place, Reply
from vlmscope.analysis.endpoint.ways import chance_of


def reply(places: Any, **more: Any) -> dict[str, Any]:
    choice = {
        "message": {"content": "red"},
        "logprobs": {"content": places},
        "finish_reason": "stop",
    }
    return {"choices": [choice], **more}


def token(text: Any = "red", logprob: Any = -0.5, **more: Any) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": logprob,
        "top_logprobs": [{"token": "a", "logprob": -1.0}],
        **more,
    }


def test_a_reply_survives_its_way_to_disk() -> None:
    value = reply(
        [token(bytes=[226, 173], other=1)],
        prompt_logprobs=[
            None,
            {
                "5": {"logprob": -2.0, "decoded_token": "é"},
                "6": {"logprob": -1.0, "decoded_token": "x"},
            },
        ],
    )
    kept = Reply(json.loads(json.dumps(Reply.of(value).record)))
    assert kept.text == "red" and kept.finish == "stop"
    assert kept.places == (Place(b"\xe2\xad", -0.5, ((b"a", -1.0),)),)
    assert kept.prompt == ((b"", None), ("é".encode(), -2.0))  # the token itself comes first


@pytest.mark.parametrize(
    "places",
    [[token(logprob=None)], [token(logprob="-1")], [token(logprob=True)], [token(logprob=float("nan"))],
     [token(logprob=0.5)], [token(text=None)], ["red"], [{}]],
)  # fmt: skip
def test_places_that_cannot_be_used(places: Any) -> None:
    with pytest.raises(IncompleteReply, match="log-probabilit"):
        Reply.of(reply(places))


@pytest.mark.parametrize(
    "value",
    [{}, {"choices": []}, {"choices": None}, {"choices": ["a"]}, {"choices": [{"text": "red"}]},
     {"error": "no"}],
)  # fmt: skip
def test_no_completion(value: Any) -> None:
    with pytest.raises(IncompleteReply, match="holds no completion"):
        Reply.of(value)


def test_what_is_lacking_is_named_when_it_is_asked_for() -> None:
    bare = Reply.of({"choices": [{"message": {"content": None}, "logprobs": None}]})
    for name, words in (
        ("text", "no text"),
        ("places", "no log-prob"),
        ("prompt", "of the prompt"),
    ):
        with pytest.raises(IncompleteReply, match=words):
            getattr(bare, name)
    with pytest.raises(IncompleteReply, match="no likeliest tokens"):
        _ = Reply.of(reply([token(top_logprobs=[])])).places


def test_the_chance_of_a_token() -> None:
    place = Place(b" red", -0.2, ((b" red", -0.2), (b"red", -3.0), (b" blue", -2.5)))
    assert chance_of(b" red", place) == (-0.2, False)
    assert chance_of(b"red", place) == (-3.0, False)  # as it is written, where both are listed
    assert chance_of("▁blue".encode(), place) == (-2.5, False)
    left = 1 - math.exp(-0.2) - math.exp(-3.0) - math.exp(-2.5)
    value, bounded = chance_of(b"green", place)
    assert bounded and value == pytest.approx(min(math.log(left), -3.0))
    flat = Place(b"a", -1.1, ((b"a", -1.1), (b"b", -1.1), (b"c", -1.1)))
    assert chance_of(b"d", flat) == (pytest.approx(math.log(1 - 3 * math.exp(-1.1))), True)
    rounded = Place(b"a", 0.0, ((b"a", 0.0), (b"b", -20.0)))
    assert chance_of(b"d", rounded) == (-20.0, True)  # the list holds more than all, by rounding
