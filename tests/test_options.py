"""Options: checked by what their fields say, and read from text by their types."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, Optional, Union

import pytest

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.options import (
    CheckedOptions,
    change_options,
    check_number,
    option,
    option_like,
    parse_option,
    plain_type,
)


@dataclass(frozen=True)
class Example(CheckedOptions):
    word: str = option("one", "a word", choices=("one", "two"))
    count: int = option(1, "how many", at_least=1, whole=True)
    size: int = option(3, "how large", at_least=1, at_most=9, whole=True, odd=True)
    share: float = option(0.5, "how much", at_least=0, at_most=1)
    last: int | None = option(None, "the last", at_least=0, whole=True, optional=True)
    flag: bool = False
    name: str | None = None
    places: tuple[int, ...] = ()


@dataclass(frozen=True)
class Another(CheckedOptions):
    word: str = option_like(Example, "word", "two")


def test_an_option_says_its_default_its_help_and_what_it_takes() -> None:
    made = option("one", "a word", choices=("one", "two"))
    assert (made.default, dict(made.metadata)) == (
        "one",
        {"help": "a word", "choices": ("one", "two")},
    )


def test_a_rule_that_does_not_exist_is_a_mistake_of_the_programmer() -> None:
    with pytest.raises(TypeError, match="no rule at_lest"):
        option(1, "how many", at_lest=1)


def test_an_option_like_another_differs_in_its_default_alone() -> None:
    made = option_like(Example, "size", 5)
    assert (made.default, made.metadata) == (5, fields(Example)[2].metadata)
    with pytest.raises(UnknownNameError, match="word"):
        Another("three")


@pytest.mark.parametrize(
    "values",
    [
        {"word": "two", "count": 7, "size": 9, "share": 1, "last": 0, "flag": True},
        {"share": 0.0, "last": None, "name": "x", "places": (1,)},
    ],
)
def test_what_the_fields_take_passes(values: dict[str, Any]) -> None:
    assert change_options(Example(), values) == Example(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 0}, "The option count takes a whole number of at least 1, got 0."),
        ({"count": 1.0}, "whole number of at least 1, got 1.0"),
        ({"count": True}, "got True"),
        ({"count": None}, "got None"),
        ({"count": "3"}, "got '3'"),
        ({"size": 4}, "an odd whole number from 1 to 9, got 4"),
        ({"size": 11}, "from 1 to 9, got 11"),
        ({"share": float("nan")}, "The option share takes a number from 0 to 1, got nan."),
        ({"share": -0.1}, "got -0.1"),
        ({"last": -1}, "of at least 0, got -1"),
        ({"flag": 1}, "The option flag is True or False, got 1."),
    ],
)
def test_numbers_and_flags_are_refused_in_one_wording(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadOptionError) as caught:
        Example(**values)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [0, 0.5, 2, 1e300])
def test_a_number_without_further_rules_may_be_even_or_broken(value: float) -> None:
    check_number("x", value, at_least=0)
    with pytest.raises(BadOptionError) as caught:
        check_number("x", -value - 1, at_least=0)
    assert str(caught.value) == f"The option x takes a number of at least 0, got {-value - 1!r}."


def test_words_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"option word 'twoo'\. Did you mean 'two'"):
        Example(word="twoo")


def test_a_field_that_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown option of x 'cuont'.*'count'"):
        change_options(Example(), {"cuont": 1}, "option of x")
    with pytest.raises(UnknownNameError, match=r"Unknown option 'cuont'.*'count'"):
        parse_option(Example, "cuont", "1")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("word", "two", "two"),
        ("count", "7", 7),
        ("share", "0.25", 0.25),
        ("share", "1", 1.0),
        ("last", "3", 3),
        ("flag", "Yes", True),
        ("flag", "0", False),
        ("name", "3", "3"),
    ],
)
def test_texts_are_read_by_the_type_of_their_field(name: str, text: str, value: Any) -> None:
    read = parse_option(Example, name, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("count", "6.5", "The option count takes a whole number, got '6.5'."),
        ("share", "half", "The option share takes a number, got 'half'."),
        ("flag", "maybe", "The option flag is true or false, got 'maybe'."),
        ("places", "1,2", "The option places cannot be written as text, got '1,2'."),
    ],
)
def test_texts_that_stand_for_no_value(name: str, text: str, words: str) -> None:
    with pytest.raises(BadOptionError) as caught:
        parse_option(Example, name, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (int, int),
        (bool | None, bool),
        (Optional[float], float),  # noqa: UP045
        (Union[None, str], str),  # noqa: UP007
        (Literal["a", "b"], str),
        (Literal["a"] | None, str),
        (int | str, None),
        (tuple[int, ...], None),
        (tuple[int, ...] | None, None),
        (bytes, None),
        (Any, None),
    ],
)
def test_the_plain_type_of_a_hint(hint: Any, kind: Any) -> None:
    assert plain_type(hint) is kind
