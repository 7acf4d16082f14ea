"""Things that are found by name: methods, model families, data sets, tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from vlmscope.errors import UnknownNameError

__all__ = ["Named", "Registry"]


class Named(Protocol):
    """Anything that can be registered.

    Attributes:
        id: explicit and unique within its registry.
    """

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Members by id, in the order of registration; a duplicate raises.

    Args:
        kind: what a member is called in messages, for example ``"method"``.
        members: the first ones.
        where: where the whole list is, for messages, for example ``"See: vlmscope methods"``.

    Attributes:
        kind: as given.
    """

    def __init__(self, kind: str, members: Iterable[T] = (), where: str = "") -> None:
        self.kind = kind
        self._where = where
        self._members: dict[str, T] = {}
        for member in members:
            self.register(member)

    def register(self, member: T) -> T:
        """Add a member.

        Raises:
            ValueError: when its id is taken.
        """
        if member.id in self._members:
            raise ValueError(f"A {self.kind} with the id {member.id!r} is registered already.")
        self._members[member.id] = member
        return member

    def get(self, name: str, among: Collection[str] | None = None) -> T:
        """The member of an id.

        Args:
            name: the id.
            among: the ids that may be asked for here; None: all.

        Raises:
            UnknownNameError: lists the nearest ids.
        """
        known = self._members if among is None else among
        if name not in known:
            raise UnknownNameError(self.kind, name, known, where=self._where)
        return self._members[name]

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, in the order of registration."""
        return tuple(self._members)

    def __iter__(self) -> Iterator[T]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)
