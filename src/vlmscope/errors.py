"""What a user can run into.

Every message says what was wrong, what was received and what to do about it. The CLI prints the
message alone; the library raises, so that a caller can tell the kinds apart. All of them are
``VlmscopeError``; the ones that stand for a bad argument are also ``ValueError`` or the like, so
code that knows nothing of vlmscope catches them naturally.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "AttentionError",
    "BadHeadSetError",
    "BadImageError",
    "BadOptionError",
    "BadPhraseError",
    "BadSampleError",
    "BadViewError",
    "EndpointError",
    "KnockoutError",
    "MissingExtraError",
    "ModelLoadError",
    "ModelMismatchError",
    "OutputError",
    "SkippedWarning",
    "UnknownNameError",
    "UnsupportedError",
    "VlmscopeError",
    "VlmscopeWarning",
    "nearest",
]

_MOST_LISTED = 12
_LONGEST, _TAIL = 1_200, 400  # characters of a message


class VlmscopeError(Exception):
    """Base of everything that vlmscope raises on purpose; a message is never longer than one can read."""

    def __init__(self, *values: object) -> None:
        super().__init__(*(shortened(each) if isinstance(each, str) else each for each in values))


class VlmscopeWarning(UserWarning):
    """Something the user should know of a result that was produced all the same."""


class SkippedWarning(VlmscopeWarning):
    """Samples were left out of a result, which lists them; commands show that list in its place."""


class BadImageError(VlmscopeError, ValueError):
    """An image that is missing, unreadable, truncated, empty or too large."""


class BadOptionError(VlmscopeError, ValueError):
    """An option or argument with a value outside its range."""


class BadPhraseError(VlmscopeError, ValueError):
    """A phrase that is empty or does not fit the model's context."""


class BadSampleError(VlmscopeError, ValueError):
    """A row of a sample list that cannot be used, or a list with no usable row."""


class BadViewError(VlmscopeError, ValueError):
    """A file that is no view, is cut short, is of another version, or does not fit together."""


class BadHeadSetError(VlmscopeError, ValueError):
    """A head file that is no JSON, lacks fields, or names heads the model does not have."""


class ModelLoadError(VlmscopeError):
    """A model that could not be found or loaded."""


class ModelMismatchError(VlmscopeError, ValueError):
    """Two things that were made for different models: processor and model, heads and model."""


class UnsupportedError(VlmscopeError):
    """A family, kernel or method that cannot do what was asked of it."""


class EndpointError(VlmscopeError):
    """A served model that cannot be reached, refuses, or does not answer with what is needed."""


class AttentionError(VlmscopeError):
    """Instrumentation used in a way that could mix or lose attention rows."""


class KnockoutError(AttentionError, ValueError):
    """A knock-out that would leave a row without any key."""


class OutputError(VlmscopeError, OSError):
    """A file or folder that cannot be written."""


class MissingExtraError(VlmscopeError, ImportError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'vlmscope[{extra}]'"
        )


class UnknownNameError(VlmscopeError, KeyError):
    """A name that is not registered; the message says the nearest ones, and all where they are few.

    Args:
        kind: what was looked up, for example ``"model"`` or ``"method"``.
        name: the name received.
        known: every valid name.
        hint: one more sentence on what to do.
        where: where the list is, for example ``"See: vlmscope methods"``; said where the names are
            too many to be listed.
    """

    def __init__(
        self, kind: str, name: object, known: Iterable[str], hint: str = "", *, where: str = ""
    ) -> None:
        valid = sorted(known)
        close = nearest(str(name), valid)
        question = f"Did you mean {' or '.join(map(repr, close))}?" if close else ""
        parts = (f"Unknown {kind} {name!r}.", question, _listing(valid, close, where), hint)
        message = " ".join(part for part in parts if part)
        super().__init__(message)
        self.message = str(self.args[0])

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return self.message


def _listing(valid: Sequence[str], close: Sequence[str], where: str) -> str:
    """All names where they are few, else how many there are, three of them, and where the list is."""
    if len(valid) <= _MOST_LISTED:
        return f"Known: {', '.join(valid)}." if valid else ""
    examples = "" if close else f", for example {', '.join(map(repr, valid[:3]))}"
    return f"{len(valid):,} are known{examples}. {where}".rstrip()


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names most like ``name``, best first; empty when none is alike."""
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=limit, cutoff=0.5)
    return [lowered[match] for match in close]


def quoted(names: Sequence[str], most: int = 8) -> str:
    """Names for a message: ``'a', 'b' and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def shortened(message: str) -> str:
    """A message that somebody can read: what was received may be thousands of characters long."""
    if len(message) <= _LONGEST:
        return message
    return f"{message[: _LONGEST - _TAIL]} ... {message[-_TAIL:]}"  # what to do stands at the end
