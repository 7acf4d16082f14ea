"""Two jobs never write into one folder, unless they are shards of one job.

Locks are the system's own and end with the process that holds them, however it ends: there is none
that an interrupted job leaves behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlmscope.errors import BadOptionError, OutputError
from vlmscope.io import shown_path

if sys.platform != "win32":
    import fcntl

__all__ = ["Shard", "job_lock", "waiting_lock"]

_JOB = ".lock"
_SHARD = re.compile(r"\.lock-\d+-of-(\d+)")


@dataclass(frozen=True)
class Shard:
    """A share of the images, by their ids.

    Attributes:
        number: from 1.
        count: how many shards there are.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``3/16``.

        Raises:
            BadOptionError: anything else.
        """
        match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise BadOptionError(
                f"A shard is written 3/16, the third of sixteen, from 1/16 to 16/16; got {text!r}."
            )
        return cls(int(match[1]), int(match[2]))

    def holds(self, digest: bytes) -> bool:
        """Whether an image is in it, by the digest of its id."""
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1


@contextlib.contextmanager
def job_lock(folder: Path, shard: Shard) -> Iterator[None]:
    """A folder for this job alone, or for shards of the same division, each once.

    Raises:
        OutputError: another job works in it, or no file can be made in it.
    """
    alone = shard.count == 1
    with contextlib.ExitStack() as stack:
        stack.enter_context(_held(folder / _JOB, shared=not alone, folder=folder))
        if not alone:
            own = folder / f"{_JOB}-{shard.number}-of-{shard.count}"
            stack.enter_context(_held(own, shared=False, folder=folder))
            # after its own: of two that begin at once each sees the other, or one of them does
            for path in sorted(folder.glob(f"{_JOB}-*")):
                match = _SHARD.fullmatch(path.name)
                if match is not None and int(match[1]) != shard.count:
                    with _held(path, shared=False, folder=folder):
                        pass
        yield


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Wait until nobody else has this lock."""
    with _opened(path) as descriptor:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _held(path: Path, shared: bool, folder: Path) -> Iterator[None]:
    with _opened(path) as descriptor:
        if sys.platform != "win32":
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    f"Another job works in {shown_path(folder)}. Wait for its end, or give another "
                    "folder; several may share one as shards: --shard 1/2 and --shard 2/2."
                ) from error
            except OSError:  # a file system without locks
                pass
        yield


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(
            f"Cannot write into {shown_path(path.parent)}: {error.strerror or error}. Choose a folder "
            "you may write to."
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
