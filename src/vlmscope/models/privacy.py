"""Attributes that a thread has to itself: what passes write on a model, others neither see nor lose.

transformers keeps some values on the modules between passes. Values that are put back after a pass are
wrong for whoever runs the same model meanwhile: these are never in the place where others look.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

__all__ = ["private"]

# object (by id, while a block of it is open) -> thread -> its values; beside the objects and not in
# them, so that what another thread copies or saves meanwhile is as it would be without
_OPEN: dict[int, dict[int, dict[str, Any]]] = {}

# held for moments only: while an object's class is changed
_CHANGING = threading.Lock()


@contextlib.contextmanager
def private(item: Any, values: Mapping[str, Any]) -> Iterator[None]:
    """Inside the block this thread reads and writes attributes of its own; they are gone after.

    Other threads go on with the object's, also while the block is open. Blocks of one object may be
    open in several threads and within each other, all for the same attributes.

    Args:
        item: a module or a configuration that has these attributes.
        values: what this thread begins with, by attribute.
    """
    thread = threading.get_ident()
    with _CHANGING:
        threads = _OPEN.get(id(item))
        if threads is None:
            # as torch does for parametrised modules: only a class can answer for an attribute
            base: Any = type(item)
            item.__class__ = _divided(base, frozenset(values))
            threads = _OPEN[id(item)] = {}
        before = threads.get(thread)
        threads[thread] = dict(values)
    try:
        yield
    finally:
        with _CHANGING:
            if before is not None:
                threads[thread] = before
            else:
                del threads[thread]
            if not threads:
                item.__class__ = type(item).__mro__[1]
                del _OPEN[id(item)]


# kept: compiled code is bound to the class that it has seen
@cache
def _divided(base: Any, names: frozenset[str]) -> Any:
    """The class of the same name in which these attributes are answered by thread."""

    def set_attribute(self: Any, name: str, value: Any) -> None:
        mine = _mine(self) if name in names else None
        if mine is None:
            base.__setattr__(self, name, value)
        else:
            mine[name] = value

    def register_buffer(self: Any, name: str, tensor: Any, persistent: bool = True) -> None:
        mine = _mine(self) if name in names else None
        if mine is None:
            base.register_buffer(self, name, tensor, persistent)
        else:
            mine[name] = tensor

    def reduce_ex(self: Any, protocol: Any) -> Any:  # a copy is of the class that is known
        _, (_, *rest), *state = base.__reduce_ex__(self, protocol)
        return base.__new__, (base, *rest), *state

    body: dict[str, Any] = {name: _ByThread(name) for name in names}
    body |= {"__setattr__": set_attribute, "__reduce_ex__": reduce_ex}
    body |= {"__module__": base.__module__, "__qualname__": base.__qualname__}
    if hasattr(base, "register_buffer"):
        body["register_buffer"] = register_buffer
    return type(base)(base.__name__, (base,), body)


def _mine(item: Any) -> dict[str, Any] | None:
    """The values of the thread that asks; None: it has none of its own."""
    threads = _OPEN.get(id(item))
    return None if threads is None else threads.get(threading.get_ident())


class _ByThread:
    """An attribute that is the thread's own where it has one, else the object's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, item: Any, owner: type) -> Any:
        mine = _mine(item)
        if mine is not None:
            return mine[self.name]
        try:
            return vars(item)[self.name]
        except KeyError:  # a buffer: the module's __getattr__ finds it
            raise AttributeError(self.name) from None

    def __set__(self, item: Any, value: Any) -> None:
        vars(item)[self.name] = value
