"""Who does the work: one interface for this process, several, or other machines.

An executor is given chunks of items and gives back finished parts, in any order. It never writes into
the job's folder: the job does, from one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from vlmscope.errors import VlmscopeError
from vlmscope.labels.labelled import LabelledImage, Open
from vlmscope.labels.sources import Item, Source

__all__ = [
    "AnyLabeller",
    "Chunk",
    "Executor",
    "Finished",
    "MakeLabeller",
    "SourceGoneError",
    "Task",
]


class SourceGoneError(VlmscopeError):
    """Nothing of the source can be read any more: the job stops, and goes on when it is back."""


class AnyLabeller(Protocol):
    """What labels images; :class:`vlmscope.labels.labeller.Labeller`, or a stand-in."""

    @property
    def identity(self) -> dict[str, Any]: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def label(
        self, items: Sequence[Item], open: Open, begin: Callable[[Item], None], alone: bool = False
    ) -> Iterator[LabelledImage]: ...


MakeLabeller = Callable[[str | None], AnyLabeller]
"""From the device of a process (None: its own choice) to what labels there. It travels to it."""


@dataclass(frozen=True)
class Task:
    """What every worker needs.

    Attributes:
        source: opens images by their place.
        make: loads the model.
        seconds: longest time for one image; None: no limit.
        threads: of computation in a process; None: as many as there are for all of them.
    """

    source: Source
    make: MakeLabeller
    seconds: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Chunk:
    """Images that become one part.

    Attributes:
        name: of the part.
        items: the images.
    """

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Finished:
    """A chunk that is done.

    Attributes:
        name: of the part.
        data: the part: bytes of a Parquet file.
        images: how many.
        failed: how many of them failed.
        notes: what the job should say, such as that a batch was halved.
    """

    name: str
    data: bytes = field(repr=False)
    images: int
    failed: int
    notes: tuple[str, ...] = ()


class Executor(Protocol):
    """Runs a task over chunks."""

    def open(self) -> dict[str, Any]:
        """Start; what rows depend on, the same on every worker.

        Raises:
            VlmscopeError: whatever is wrong with the model or the method.
        """
        ...

    def run(self, chunks: Iterator[Chunk], tick: Callable[[int], None]) -> Iterator[Finished]:
        """Finished chunks, in any order; ``tick`` hears of images before their chunk is done.

        Chunks are taken as workers get free, so that a million of them need not be there.

        Raises:
            SourceGoneError: the source cannot be read any more.
        """
        ...

    def close(self) -> None:
        """End all work at once; called however the job ends."""
        ...
