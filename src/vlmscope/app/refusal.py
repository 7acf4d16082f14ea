"""What a client is told of a request that cannot be answered: a kind, and one sentence."""

from __future__ import annotations

from typing import Any

from vlmscope.errors import (
    AttentionError,
    BadHeadSetError,
    BadImageError,
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    MissingExtraError,
    OutputError,
    UnknownNameError,
    UnsupportedError,
    VlmscopeError,
    shortened,
)

__all__ = ["Refusal", "refusal_of"]


class Refusal(Exception):
    """A request that is not answered.

    Attributes:
        status: of HTTP.
        kind: a word for programs.
        message: a sentence for people.
    """

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, shortened(message)

    def to_dict(self) -> dict[str, Any]:
        """The body of the answer: JSON values."""
        return {"error": {"kind": self.kind, "message": self.message}}


_KINDS: tuple[tuple[type[VlmscopeError], int, str], ...] = (
    (BadImageError, 400, "bad-image"),
    (BadPhraseError, 400, "bad-phrase"),
    (BadHeadSetError, 400, "bad-heads"),
    (UnknownNameError, 400, "unknown-name"),
    (BadSampleError, 400, "bad-question"),
    (AttentionError, 400, "bad-layers"),
    (BadOptionError, 400, "bad-option"),
    (UnsupportedError, 400, "unsupported"),
    (MissingExtraError, 501, "missing-extra"),
    (OutputError, 507, "not-written"),
    (VlmscopeError, 400, "refused"),
)
"""The first that fits is said."""


def refusal_of(error: BaseException) -> Refusal:
    """An error as the client is told of it; of a fault of the program itself only that there was one."""
    if isinstance(error, Refusal):
        return error
    for cause, status, kind in _KINDS:
        if isinstance(error, cause):
            return Refusal(status, kind, " ".join(str(error).split()))
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Refusal(
            503,
            "out-of-memory",
            "This does not fit in the memory of the model's device. Take a smaller picture, or start the "
            "app with --dtype bfloat16 or --max-side.",
        )
    return Refusal(
        500,
        "fault",
        f"Unexpected {type(error).__name__}. This is a fault of vlmscope; the terminal in which the app "
        "runs says more.",
    )
