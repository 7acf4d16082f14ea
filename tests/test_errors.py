"""Messages about unknown names: the nearest, and no more of the others than can be read."""

from __future__ import annotations

import pytest

from vlmscope.errors import (
    BadImageError,
    KnockoutError,
    ModelLoadError,
    OutputError,
    UnknownNameError,
    VlmscopeError,
    nearest,
    quoted,
)

MANY = [f"label {number}" for number in range(2000)] + ["zebra"]


def message(name: object, known: list[str], *rest: str, **options: str) -> str:
    return str(UnknownNameError("label", name, known, *rest, **options))


def test_a_dozen_names_are_all_listed() -> None:
    names = [chr(ord("a") + number) * 3 for number in range(12)]
    said = message("aab", names, "Or a number.", where="See: the list")
    assert said.startswith("Unknown label 'aab'. Did you mean 'aaa'? Known: aaa, bbb, ")
    assert said.endswith("lll. Or a number.")


def test_of_many_names_the_nearest_their_number_and_their_place_are_said() -> None:
    assert message("zebr", MANY, where="See: vlmscope labels") == (
        "Unknown label 'zebr'. Did you mean 'zebra'? 2,001 are known. See: vlmscope labels"
    )
    assert message("zebr", MANY, "Or a number.") == (
        "Unknown label 'zebr'. Did you mean 'zebra'? 2,001 are known. Or a number."
    )


def test_at_most_three_names_are_near() -> None:
    assert message("label", MANY).count("'label ") == 3


def test_where_none_of_many_is_near_three_show_what_they_look_like() -> None:
    assert message("xyzzy?", MANY) == (
        "Unknown label 'xyzzy?'. 2,001 are known, for example 'label 0', 'label 1', 'label 10'."
    )


def test_no_name_at_all_and_a_name_that_is_no_text() -> None:
    assert message(7, []) == "Unknown label 7."


def test_it_is_caught_as_a_key_error_whose_text_is_the_message() -> None:
    with pytest.raises(KeyError) as caught:
        raise UnknownNameError("label", "x", ["y"])
    assert str(caught.value) == "Unknown label 'x'. Known: y."


def test_case_does_not_keep_names_apart() -> None:
    assert nearest("GEM", ["gem", "clip"]) == ["gem"]
    assert nearest("qqq", ["gem", "clip"]) == []


def test_quoted_names_are_cut_off() -> None:
    assert quoted(["a", "b", "c"], most=2) == "'a', 'b' and 1 more"


@pytest.mark.parametrize("kind", [BadImageError, OutputError, ModelLoadError, KnockoutError])
def test_a_message_can_be_read_whatever_it_quotes(kind: type[VlmscopeError]) -> None:
    text = str(kind(f"It is {'[' * 100_000!r}. Do something else."))
    assert len(text) < 1_300
    assert text.startswith("It is '[[[") and text.endswith("Do something else.")
    short = "It is 7. Do something else."
    assert str(kind(short)) == short


def test_an_unknown_name_of_any_length_can_be_read() -> None:
    error = UnknownNameError("format", "x" * 50_000, ["png", "coco"])
    assert len(str(error)) < 1_300 and str(error).endswith("Known: coco, png.")


def test_an_output_error_stays_an_os_error() -> None:
    error = OutputError("Cannot write a.json: full.")
    assert isinstance(error, OSError) and str(error) == "Cannot write a.json: full."
