"""The key of an endpoint: read from the environment, written nowhere."""

from __future__ import annotations

import os
from typing import Any, NoReturn
from urllib.parse import quote
from urllib.request import Request

from vlmscope.errors import BadOptionError

__all__ = ["DEFAULT_VARIABLE", "Key"]

DEFAULT_VARIABLE = "OPENAI_API_KEY"
"""Where a key is looked for if no variable is named."""

_HIDDEN = "[key]"


class Key:
    """A secret that shows itself in one header alone; it has no text form and is not pickled.

    Args:
        variable: name of the environment variable; None: :data:`DEFAULT_VARIABLE`, which may be
            unset; empty: no key is sent.

    Raises:
        BadOptionError: a variable that was named and is not set, or a value that no header can hold.
    """

    __slots__ = ("__value", "variable")

    def __init__(self, variable: str | None = None) -> None:
        self.variable = DEFAULT_VARIABLE if variable is None else variable
        value = os.environ.get(self.variable, "").strip() if self.variable else ""
        if variable and not value:
            raise BadOptionError(
                f"The environment variable {_named(variable)} is not set; it holds the key of the "
                "endpoint. Set it, or name another with --key-from."
            )
        if any(not "!" <= each <= "~" for each in value):
            raise BadOptionError(
                f"What the environment variable {self.variable} holds is no key: a key has no space and no "
                "character beyond ASCII. Set it anew."
            )
        self.__value = value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return f"Key(from {self.variable})" if self else "Key(none)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is not pickled: name its environment variable where it is needed.")

    def sign(self, request: Request) -> None:
        """Put the key into a request, as a header that no redirect takes along."""
        if self:
            request.add_unredirected_header("Authorization", f"Bearer {self.__value}")

    def hidden(self, text: str) -> str:
        """A text of the endpoint without the key, should it repeat it."""
        for written in {self.__value, quote(self.__value, safe="")} - {""}:
            text = text.replace(written, _HIDDEN)
        return text

    def hidden_in(self, value: Any) -> Any:
        """JSON values of the endpoint, with the key taken out of every text."""
        if isinstance(value, str):
            return self.hidden(value)
        if isinstance(value, list):
            return [self.hidden_in(each) for each in value]
        if isinstance(value, dict):
            return {self.hidden(name): self.hidden_in(each) for name, each in value.items()}
        return value


def _named(variable: str) -> str:
    """A variable's name for a message, unless it cannot be one: then it may be the key itself."""
    plain = variable.replace("_", "a").isalnum() and variable.upper() == variable
    return variable if plain and not variable[0].isdigit() else "that --key-from names"
