"""Which methods are measured, under which options: read, checked, told apart."""

from __future__ import annotations

import pytest

from dual_families import clip
from towers import tiny_tower
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import (
    ConfiguredMethod,
    choose,
    configure_methods,
    split_options,
    with_tower,
)
from vlmscope.methods import get_method
from vlmscope.models import tower_from_pretrained


def test_options_are_split_at_commas_dots_and_equals() -> None:
    texts = ["gem.temperature=perplexity, gem.perplexity=0.1", "gem@0.5.keep-ratio=no"]
    found = split_options(texts)
    assert found == {
        "gem": {"temperature": "perplexity", "perplexity": "0.1"},
        "gem@0.5": {"keep_ratio": "no"},
    }


@pytest.mark.parametrize(
    "text", ["gem", "gem.depth", "depth=7", "gem.=7", ".depth=7", "gem.a=", ""]
)
def test_options_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(BadOptionError, match="METHOD.OPTION=VALUE, got"):
        split_options([text])


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(BadOptionError, match="gem.depth is given twice"):
        split_options(["gem.depth=6", "gem.depth=7"])


def test_texts_become_what_the_option_takes() -> None:
    texts = {"depth": "3", "constant": "7.5", "keep_ratio": "No", "temperature": "constant"}
    [choice] = choose(["gem"], {"gem": texts})
    assert choice.changes == {
        "depth": 3,
        "constant": 7.5,
        "keep_ratio": False,
        "temperature": "constant",
    }


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("depth", "six", "a whole number, got 'six'"),
        ("depth", "6.5", "a whole number"),
        ("constant", "hot", "takes a number"),
        ("keep_ratio", "maybe", "true or false"),
        ("depth", "0", "at least 1"),
        ("perplexity", "2", "from 0.001 to 1.0"),
    ],
)
def test_values_that_an_option_does_not_take(name: str, value: str, reason: str) -> None:
    with pytest.raises(BadOptionError, match=reason):
        choose(["gem"], {"gem": {name: value}})


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="method 'gemm'.*'gem'"):
        choose(["gemm"])
    with pytest.raises(UnknownNameError, match="option of gem 'temprature'.*'temperature'"):
        choose(["gem"], {"gem": {"temprature": "constant"}})
    with pytest.raises(UnknownNameError, match="temperature 'constnt'|'constnt'.*'constant'"):
        choose(["gem"], {"gem": {"temperature": "constnt"}})
    with pytest.raises(UnknownNameError, match="method with options 'gem@b'.*'gem@a'"):
        choose(["gem@a"], {"gem@b": {"depth": "6"}})


def test_no_method_and_a_method_twice_are_refused() -> None:
    with pytest.raises(BadOptionError, match="No method was named"):
        choose([])
    with pytest.raises(BadOptionError, match="named twice"):
        choose(["gem", "clip", "gem"])


def test_competition_is_refused() -> None:
    with pytest.raises(BadOptionError, match="Leave out gem.compete"):
        choose(["gem"], {"gem": {"compete": "true"}})


def test_shared_options_are_for_dense_methods_and_yield_to_their_own() -> None:
    shared = {"side": 64, "keep_ratio": False}
    choices = choose(["gem", "clip", "localization-heads"], {"gem": {"side": "32"}}, shared)
    assert [dict(choice.changes) for choice in choices] == [
        {"side": 32, "keep_ratio": False},
        {"side": 64, "keep_ratio": False},
        {},
    ]


def test_labels_tell_runs_of_one_method_apart() -> None:
    choices = choose(["gem", "gem@flat"], {"gem@flat": {"iterations": 0}})
    one, two = configure_methods(clip(), choices)
    assert (one.method.id, two.method.id) == ("gem", "gem")
    assert (one.options.iterations, two.options.iterations) == (1, 0)
    assert one.digest != two.digest


def test_a_digest_is_of_method_and_options_not_of_the_label() -> None:
    options = get_method("gem").options()
    assert ConfiguredMethod("a", get_method("gem"), options).digest == (
        ConfiguredMethod("b", get_method("gem"), options).digest
    )
    other = get_method("maskclip")
    assert ConfiguredMethod("a", other, other.options()).digest != (
        ConfiguredMethod("a", get_method("clip"), get_method("clip").options()).digest
    )


def test_without_a_choice_every_method_runs_that_can() -> None:
    labels = [run.label for run in configure_methods(clip())]
    assert "gem" in labels and "clip" in labels
    assert "localization-heads" not in labels


def test_a_method_that_cannot_run_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'localization-heads' does not run on random-clip"):
        configure_methods(clip(), choose(["localization-heads"]))


def test_a_second_tower_is_part_of_the_digest_and_of_the_record() -> None:
    tower = tower_from_pretrained(*tiny_tower("dinov2"), name="a")
    other = tower_from_pretrained(*tiny_tower("dinov2"), name="b")
    chosen = choose(["proxyclip", "gem"])
    one, two = (configure_methods(clip(), with_tower(chosen, each)) for each in (tower, other))
    assert [one[0].record["proxy"]["id"], two[0].record["proxy"]["id"]] == ["a", "b"]
    assert one[0].digest != two[0].digest and one[1].digest == two[1].digest
    assert one[1].record == {}
    with pytest.raises(UnsupportedError, match="none was given"):
        configure_methods(clip(), chosen)
    with pytest.raises(BadOptionError, match="not among the methods"):
        with_tower(choose(["gem"]), tower)
