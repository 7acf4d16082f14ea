"""Kinds are asked for by name, and whoever does not have one says so."""

from __future__ import annotations

from typing import Any

import pytest

import vlmscope as vs
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import choose, configure_methods, split_options
from vlmscope.evaluation.evidence import EVIDENCE, Evidence


@pytest.fixture(scope="module")
def llava() -> Any:
    return vs.load("tiny-llava", device="cpu")


@pytest.fixture(scope="module")
def clip() -> Any:
    return vs.load("tiny-clip", device="cpu")


def test_the_score_is_always_there() -> None:
    assert Evidence.of(["score", "contrast", "score", "presence"]).kinds == ("contrast", "presence")
    assert Evidence.of([]).digest == "" == Evidence.of(["score"]).digest
    assert EVIDENCE.ids == ("score", "presence", "contrast", "answer", "rejection")


def test_settings_are_part_of_the_digest(llava: Any) -> None:
    plain = Evidence.of(["contrast", "answer"])
    words = {
        each.on(llava).digest
        for each in (
            plain,
            Evidence.of(["contrast"]),
            Evidence.of(["contrast"], null="shape"),
            Evidence.of(["answer"], question="where is {phrase}"),
        )
    }
    assert len(words) == 4
    assert Evidence.of(["answer", "contrast"]).on(llava).digest == plain.on(llava).digest
    assert plain.on(llava).setting("contrast") == {"null": "object"}
    assert plain.on(llava).setting("answer") == {"question": "is there {phrase}"}


@pytest.mark.parametrize(
    ("names", "more", "said"),
    [
        (["presence"], {"null": "thing"}, "A null belongs to the evidence 'contrast'"),
        (["contrast"], {"question": "is {phrase}"}, "A question belongs to the evidence 'answer'"),
        (["contrast"], {"null": " "}, "The null phrase ' ' cannot be asked"),
        (["answer"], {"question": "is it?"}, "must hold {phrase} once"),
    ],
)
def test_a_setting_that_is_none_is_refused(names: list[str], more: Any, said: str) -> None:
    with pytest.raises(BadOptionError, match=said):
        Evidence.of(names, **more)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="presense"):
        Evidence.of(["presense"])
    with pytest.raises(UnknownNameError, match="presense"):
        Evidence().including("presense")


def test_a_control_token_is_no_null_phrase(clip: Any) -> None:
    with pytest.raises(BadOptionError, match="cannot be asked"):
        Evidence.of(["contrast"], null="<eos>").on(clip)


@pytest.mark.parametrize(
    ("model", "method", "kind", "said"),
    [
        ("llava", "relative-attention", "presence", "'relative-attention' has no presence score"),
        ("clip", "gem", "answer", "tiny-clip answers nothing.*'gem' has no evidence 'answer'"),
        ("llava", "mean-attention", "rejection", "'mean-attention' writes no answer"),
        ("clip", "clip-surgery", "contrast", "'clip-surgery' has no contrast under these options"),
    ],
)
def test_what_a_method_does_not_have_is_refused_by_name(
    request: pytest.FixtureRequest, model: str, method: str, kind: str, said: str
) -> None:
    loaded = request.getfixturevalue(model)
    texts = [f"{method}.feature_surgery=true,{method}.redundant=mean"] if model == "clip" else []
    options = split_options(texts) if method == "clip-surgery" else {}
    [run] = configure_methods(loaded, choose([method], options))
    with pytest.raises(UnsupportedError, match=said):
        Evidence.of([kind]).check(run, loaded)


def test_what_every_method_offers(llava: Any, clip: Any) -> None:
    for model, kinds in ((llava, ["contrast", "answer"]), (clip, ["contrast", "presence"])):
        for run in configure_methods(model):
            Evidence.of(kinds).check(run, model)


def test_definitions_say_the_settings(llava: Any) -> None:
    asked = Evidence.of(["presence", "contrast", "answer"], null="shape").on(llava)
    said = asked.definitions
    assert list(said) == ["score", "presence", "contrast", "answer"]
    assert "minus its score of the null phrase 'shape' on the same image" in said["contrast"]
    assert "'is there {phrase}'" in said["answer"] and "p(yes) / (p(yes) + p(no))" in said["answer"]
    assert all("no pass of its own" in said[kind] for kind in ("score", "presence"))
    assert "one more pass over the image" in said["answer"]
