"""What each rule of an option lets through and what it refuses, to the last value and word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.options import change_options, check_options


@dataclass(frozen=True)
class Rules:
    """A field for each rule."""

    word: str = field(default="one", metadata={"choices": ("one", "two")})
    maybe: str | None = field(default=None, metadata={"choices": ("one",), "optional": True})
    limit: float | None = field(default=None, metadata={"at_least": 2.0, "optional": True})
    share: float = field(default=0.5, metadata={"at_least": 0.0, "at_most": 1.0})
    count: int = field(default=1, metadata={"at_least": 1, "whole": True})
    width: int = field(
        default=7, metadata={"at_least": 1, "at_most": 9, "odd": True, "whole": True}
    )
    flag: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        check_options(self)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("word", "two"),
        ("maybe", None),
        ("maybe", "one"),
        ("limit", None),
        ("limit", 2.0),
        ("limit", 1e9),
        ("share", 0.0),
        ("share", 1.0),
        ("share", 1),
        ("count", 1),
        ("width", 1),
        ("width", 3),
        ("width", 5),
        ("width", 9),
        ("flag", True),
        ("note", 3),  # a field without a rule takes anything
    ],
)
def test_a_rule_takes(name: str, value: Any) -> None:
    assert getattr(change_options(Rules(), {name: value}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("limit", 1.5, "The option limit takes a number of at least 2.0, got 1.5."),
        ("share", None, "The option share takes a number from 0.0 to 1.0, got None."),
        ("share", -0.1, "The option share takes a number from 0.0 to 1.0, got -0.1."),
        ("share", 1.1, "The option share takes a number from 0.0 to 1.0, got 1.1."),
        ("share", True, "The option share takes a number from 0.0 to 1.0, got True."),
        ("share", "0.5", "The option share takes a number from 0.0 to 1.0, got '0.5'."),
        ("limit", float("inf"), "The option limit takes a number of at least 2.0, got inf."),
        ("limit", float("nan"), "The option limit takes a number of at least 2.0, got nan."),
        ("count", 0, "The option count takes a whole number of at least 1, got 0."),
        ("count", 2.0, "The option count takes a whole number of at least 1, got 2.0."),
        ("width", 4, "The option width takes an odd whole number from 1 to 9, got 4."),
        ("width", 11, "The option width takes an odd whole number from 1 to 9, got 11."),
        ("flag", 1, "The option flag is True or False, got 1."),
        ("flag", None, "The option flag is True or False, got None."),
    ],
)
def test_a_rule_refuses(name: str, value: Any, message: str) -> None:
    with pytest.raises(BadOptionError) as caught:
        change_options(Rules(), {name: value})
    assert str(caught.value) == message


@pytest.mark.parametrize(("name", "value"), [("word", None), ("word", "tow"), ("maybe", "two")])
def test_a_word_that_is_no_choice(name: str, value: Any) -> None:
    with pytest.raises(UnknownNameError, match=f"Unknown value for the option {name} {value!r}"):
        change_options(Rules(), {name: value})


def test_the_rule_behind_an_optional_field_without_a_value_is_checked_too() -> None:
    with pytest.raises(BadOptionError, match="The option share"):
        Rules(maybe=None, limit=None, share=2.0)
