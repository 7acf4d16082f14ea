"""Where images come from: their ids in a fixed order, and each image when its turn comes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["Columns", "Item", "Source", "readable", "texts_of"]


@dataclass(frozen=True)
class Columns:
    """What the columns of a list, a table or a JSON object are called.

    Attributes:
        image: of the image; None: the usual name.
        id: of the id; None: the image's path, or where it lies.
        phrase: of the phrase or phrases; None: phrases are those of the job.
    """

    image: str | None = None
    id: str | None = None
    phrase: str | None = None


@dataclass(frozen=True)
class Item:
    """An image that has not been opened.

    Attributes:
        id: unique within its source.
        place: where it lies, as its source understands it: a few numbers or a path, never pixels.
        phrases: of its row; None: those of the job.
        fault: why it cannot be used, known before it is opened: (class of the error, sentence).
    """

    id: str
    place: Any = None
    phrases: tuple[str, ...] | None = None
    fault: tuple[str, str] | None = None


class Source(ABC):
    """Images, listed one by one and opened by their place; the list is gone through more than once.

    It travels to other processes as it is: what it holds is small, and no file is open in it.

    Attributes:
        unique: no two items have one id, whatever the source holds, so that nobody needs to look.
    """

    unique: ClassVar[bool] = False

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What tells it from another source: JSON values. Input may grow, and it stays the same."""

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """The images, in an order that stays the same as long as they do.

        Raises:
            BadSampleError, BadImageError: a list that cannot be read; one that holds nothing is none.
        """

    @abstractmethod
    def open(self, item: Item) -> str | bytes:
        """The path of an image, or its encoded bytes.

        Raises:
            BadImageError: it is not where it was.
        """

    @abstractmethod
    def gone(self) -> str | None:
        """Why nothing at all can be read any more, as a sentence; None: the source is there.

        A disk that was taken away is no fault of a million images.
        """

    def opener(self) -> Source:
        """What opens the same items elsewhere; small enough to travel to every process."""
        return self


def readable(name: str | os.PathLike[str]) -> str:
    """A name as text that can be stored; bytes that are no UTF-8 are written ``\\xff``."""
    text = os.fspath(name)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    return text


def texts_of(value: Any) -> tuple[str, ...] | None:
    """The phrases in a cell: a text, or a list of texts; None: it holds neither, or an empty one."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts:
        return None
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return None
    return tuple(dict.fromkeys(text.strip() for text in texts))
