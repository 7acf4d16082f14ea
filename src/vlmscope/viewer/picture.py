"""An encoded picture among the arrays of a view."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.errors import BadOptionError

__all__ = ["KINDS", "Picture"]

KINDS = ("image/jpeg", "image/png")
"""What a browser and Pillow both draw."""


@dataclass(frozen=True)
class Picture:
    """A picture as it lies in a file.

    Attributes:
        data: the encoded bytes.
        mime: ``image/jpeg`` or ``image/png``.

    Raises:
        BadOptionError: another kind.
    """

    data: bytes = field(repr=False)
    mime: str = "image/jpeg"

    def __post_init__(self) -> None:
        if self.mime not in KINDS:
            raise BadOptionError(
                f"A picture of a view is one of {', '.join(KINDS)}, got {self.mime!r}. Encode it as one "
                "of them."
            )
