"""Options are frozen dataclasses whose fields say what they take; this checks them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from vlmscope.errors import BadOptionError, UnknownNameError

__all__ = ["change_options", "check_options"]

Options = TypeVar("Options")


def check_options(options: Any) -> None:
    """Check every field of an options dataclass against its metadata.

    Metadata keys: ``choices`` (valid words), ``at_least`` and ``at_most`` (inclusive bounds of a
    number), ``whole`` (whole numbers only), ``odd``, ``optional`` (None is valid).

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: any other wrong value; names the option, the value and what is valid.
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        about = field.metadata
        if value is None and about.get("optional"):
            continue
        if "choices" in about:
            if value not in about["choices"]:
                kind = f"value for the option {field.name}"
                raise UnknownNameError(kind, value, about["choices"])
        elif "at_least" in about:
            _check_number(field.name, value, about)
        elif isinstance(field.default, bool) and not isinstance(value, bool):
            raise BadOptionError(f"The option {field.name} is True or False, got {value!r}.")


def _check_number(name: str, value: Any, about: Mapping[str, Any]) -> None:
    low, high = about["at_least"], about.get("at_most", math.inf)
    whole = bool(about.get("whole"))
    number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    fine = number and math.isfinite(value) and low <= value <= high
    if fine and about.get("odd"):
        fine = value % 2 == 1
    if not fine:
        kind = "a whole number" if whole else "a number"
        kind = "an odd whole number" if about.get("odd") else kind
        span = f"of at least {low}" if high == math.inf else f"from {low} to {high}"
        raise BadOptionError(f"The option {name} takes {kind} {span}, got {value!r}.")


def change_options(options: Options, changes: Mapping[str, Any], kind: str = "option") -> Options:
    """A copy of an options dataclass with some fields changed.

    Raises:
        UnknownNameError: a name that is no field; the message lists the nearest.
        BadOptionError: a value the field does not take.
    """
    known = [field.name for field in dataclasses.fields(options)]  # type: ignore[arg-type]
    for name in changes:
        if name not in known:
            raise UnknownNameError(kind, name, known)
    return dataclasses.replace(options, **changes)  # type: ignore[type-var]
