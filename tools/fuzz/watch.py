"""What a call does beside its answer: what it prints, whom it calls, what it reads, how long it takes."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, TextIO
from unittest import mock

__all__ = ["Hang", "Watched", "watched"]


class Hang(BaseException):
    """A call that does not come back."""


class _CallOut(OSError):
    """What a call to another machine gets to see."""


@dataclass
class Watched:
    """What was seen of one call.

    Attributes:
        out: what reached stdout, of Python and of any library.
        err: the same of stderr.
        calls: addresses that were asked for.
        asked: whether stdin was read.
    """

    out: str = ""
    err: str = ""
    calls: list[str] = field(default_factory=list)
    asked: bool = False


@contextlib.contextmanager
def watched(seconds: int) -> Iterator[Watched]:
    """Look at what the block does; its output is kept from the terminal.

    Args:
        seconds: after which a block is ended by :class:`Hang`.
    """
    seen = Watched()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_captured(seen))
        stack.enter_context(_alone(seen))
        stack.enter_context(mock.patch.object(sys, "stdin", _Stdin(seen)))
        stack.enter_context(_limited(seconds))
        yield seen


@contextlib.contextmanager
def _captured(seen: Watched) -> Iterator[None]:
    """Both streams by their descriptors too: libraries in C write there, and old handlers of logs."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _sent_to(1, out.fileno()), _sent_to(2, err.fileno()):
            own = _text(out.fileno()), _text(err.fileno())
            with mock.patch.multiple(sys, stdout=own[0], stderr=own[1]):
                try:
                    yield
                finally:
                    for stream in own:
                        stream.close()
        seen.out, seen.err = (_content(file.fileno()) for file in (out, err))


def _text(descriptor: int) -> TextIO:
    return io.TextIOWrapper(os.fdopen(os.dup(descriptor), "wb"), encoding="utf-8")


def _content(descriptor: int) -> str:
    data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    return data.decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def _sent_to(descriptor: int, target: int) -> Iterator[None]:
    before = os.dup(descriptor)
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        os.dup2(before, descriptor)
        os.close(before)


@contextlib.contextmanager
def _alone(seen: Watched) -> Iterator[None]:
    """Note every attempt to reach another machine, and let none through."""

    def refuse(*words: Any, **more: Any) -> Any:
        seen.calls.append(repr(words[-1])[:80])
        raise _CallOut("there is no network here")

    with contextlib.ExitStack() as stack:
        for holder, name in (
            (socket.socket, "connect"),
            (socket.socket, "connect_ex"),
            (socket, "getaddrinfo"),
            (socket, "create_connection"),
        ):
            stack.enter_context(mock.patch.object(holder, name, refuse))
        yield


class _Stdin(io.TextIOWrapper):
    """A terminal at which nobody sits; whoever reads is noted."""

    def __init__(self, seen: Watched) -> None:
        super().__init__(_Nobody(seen))
        self._seen = seen

    def readline(self, *size: Any) -> str:  # type: ignore[override]
        self._seen.asked = True
        return ""

    def isatty(self) -> bool:
        return True


class _Nobody(io.BytesIO):
    def __init__(self, seen: Watched) -> None:
        super().__init__()
        self._seen = seen

    def read(self, *size: Any) -> bytes:
        self._seen.asked = True
        return b""

    read1 = read


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"no answer within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
