"""Options are frozen dataclasses whose fields say what they take; this checks and reads them."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, TypeVar

from vlmscope.errors import BadOptionError, UnknownNameError

__all__ = [
    "CheckedOptions",
    "change_options",
    "check_number",
    "check_options",
    "check_word",
    "option",
    "option_like",
    "parse_option",
    "plain_type",
]

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")

_RULES = frozenset({"at_least", "at_most", "choices", "cli", "odd", "optional", "whole"})

Options = TypeVar("Options")


class CheckedOptions:
    """What a frozen dataclass of options derives from: its values are checked when it is made.

    Attributes:
        panel: what the options declared here stand under in the help of a command.
    """

    panel: ClassVar[str] = "Method"

    def __post_init__(self) -> None:
        check_options(self)


def option(default: Any, text: str, **rules: Any) -> Any:
    """A field of an options dataclass.

    Args:
        default: its default.
        text: what it does: the help text of the command line.
        **rules: what it takes: ``choices`` (valid words), ``at_least`` and ``at_most`` (inclusive
            bounds of a number), ``whole`` (whole numbers only), ``odd``, ``optional`` (None is
            valid); ``cli=False`` keeps it off the command line.

    Raises:
        TypeError: a rule that does not exist.
    """
    strange = set(rules) - _RULES
    if strange:
        raise TypeError(f"An option has no rule {', '.join(sorted(strange))}.")
    return dataclasses.field(default=default, metadata={**rules, "help": text})


def option_like(kind: type[Any], name: str, default: Any) -> Any:
    """The field of another options dataclass with another default."""
    (field,) = (field for field in dataclasses.fields(kind) if field.name == name)
    return dataclasses.field(default=default, metadata=dict(field.metadata))


def check_options(options: Any) -> None:
    """Check every field of an options dataclass against the rules of its :func:`option`.

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: any other wrong value; names the option, the value and what is valid.
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        rules = field.metadata
        if value is None and rules.get("optional"):
            continue
        if "choices" in rules:
            check_word(field.name, value, rules["choices"])
        elif "at_least" in rules:
            check_number(
                field.name,
                value,
                at_least=rules["at_least"],
                at_most=rules.get("at_most", math.inf),
                whole=bool(rules.get("whole")),
                odd=bool(rules.get("odd")),
            )
        elif isinstance(field.default, bool) and not isinstance(value, bool):
            raise BadOptionError(f"The option {field.name} is True or False, got {value!r}.")


def check_word(name: str, value: Any, choices: Collection[str]) -> None:
    """Refuse a value of an option that is none of its choices.

    Raises:
        UnknownNameError: lists the nearest choices.
    """
    if value not in choices:
        raise UnknownNameError(f"value for the option {name}", value, choices)


def check_number(
    name: str,
    value: Any,
    *,
    at_least: float,
    at_most: float = math.inf,
    whole: bool = False,
    odd: bool = False,
) -> None:
    """Refuse a value of an option that is no number or lies outside the (inclusive) bounds.

    Raises:
        BadOptionError: names the option, the value and what is valid.
    """
    number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    fine = number and math.isfinite(value) and at_least <= value <= at_most
    if fine and odd:
        fine = value % 2 == 1
    if not fine:
        kind = "an odd whole number" if odd else _number_word(whole)
        span = f"of at least {at_least}" if at_most == math.inf else f"from {at_least} to {at_most}"
        raise BadOptionError(f"The option {name} takes {kind} {span}, got {value!r}.")


def check_batch(
    batch: Any, what: str = "batch is how many images are looked at side by side"
) -> None:
    """Raise BadOptionError for anything but a whole number of 1 or more."""
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise BadOptionError(f"{what}, got {batch!r}.")


def change_options(
    options: Options, changes: Mapping[str, Any], kind: str = "option", *, where: str = ""
) -> Options:
    """A copy of an options dataclass with some fields changed.

    Args:
        options: the dataclass.
        changes: values by field.
        kind: what a field is called in messages.
        where: where the list of fields is, for messages.

    Raises:
        UnknownNameError: a name that is no field; the message says the nearest.
        BadOptionError: a value the field does not take.
    """
    known = [field.name for field in dataclasses.fields(options)]  # type: ignore[arg-type]
    for name in changes:
        if name not in known:
            raise UnknownNameError(kind, name, known, where=where)
    return dataclasses.replace(options, **changes)  # type: ignore[type-var]


def parse_option(options: type[Any], name: str, text: str) -> bool | int | float | str:
    """The value of an option that was written as text; its range is checked by the dataclass.

    Args:
        options: a dataclass that has the field.
        name: of the field.
        text: what was written.

    Raises:
        UnknownNameError: no such field.
        BadOptionError: a text that stands for no such value, or a field that has no form as text.
    """
    hints = typing.get_type_hints(options)
    known = [field.name for field in dataclasses.fields(options)]
    if name not in known:
        raise UnknownNameError("option", name, known)
    kind = plain_type(hints[name])
    if kind is None:
        raise BadOptionError(
            f"The option {name} cannot be written as text, got {text!r}. Set it from Python."
        )
    if kind is bool:
        if text.lower() not in _TRUE + _FALSE:
            raise BadOptionError(f"The option {name} is true or false, got {text!r}.")
        return text.lower() in _TRUE
    try:
        value: int | float | str = kind(text)
    except ValueError as error:
        word = _number_word(kind is int)
        raise BadOptionError(f"The option {name} takes {word}, got {text!r}.") from error
    return value


def plain_type(hint: Any) -> type[Any] | None:
    """The type that an option's text is read as: bool, int, float or str; None: it has no such form.

    ``X | None`` is read as ``X``, a ``Literal`` of words as str.
    """
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        return plain_type(kinds[0]) if len(kinds) == 1 else None
    if typing.get_origin(hint) is typing.Literal:
        return str
    return hint if hint in (bool, int, float, str) else None


def _number_word(whole: bool) -> str:
    return "a whole number" if whole else "a number"
