"""To be part of a Ray cluster for as long as a job takes, and to leave no trace of it here."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from vlmscope.errors import MissingExtraError, VlmscopeError

__all__ = ["ray_session"]

_STORE = 256 * 2**20  # bytes for what is on its way: parts, never pictures
_NICENESS = (
    "RAY_worker_niceness"  # of the workers; 15 unless said, which starves them beside anything else
)
_FROM_RAY = "ray_"  # what its threads in this process are called


@contextlib.contextmanager
def ray_session(address: str | None) -> Iterator[Any]:
    """The module ``ray``, connected.

    Args:
        address: of a cluster: ``auto`` (one on this machine), ``HOST:PORT`` or ``ray://HOST:PORT``. None:
            that of RAY_ADDRESS, or else a new one of this machine alone, which ends with the context.
            Where this program is connected already, it stays so.

    Raises:
        MissingExtraError: without ray.
        VlmscopeError: there is no cluster at the address, or none can be started.
    """
    ray = _imported()
    with _hushed():
        if ray.is_initialized():
            yield ray
            return
        with _same_signals():
            _connect(ray, address or os.environ.get("RAY_ADDRESS") or None)
        try:
            yield ray
        finally:
            ray.shutdown()


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "Labelling on a Ray cluster") from error
    return ray


def _connect(ray: Any, address: str | None) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {"include_dashboard": False, "object_store_memory": _STORE}
    try:
        with _equal_rank():
            ray.init(address="local" if address is None else address, **options)
    except Exception as error:  # of many kinds, by what is wrong
        reason = " ".join(str(error).split()) or type(error).__name__
        failed = (
            "start a Ray cluster" if address is None else f"join the Ray cluster at {address!r}"
        )
        advice = "See: ray status" if address is None else "See: ray status --address HOST:PORT"
        raise VlmscopeError(f"Cannot {failed}: {reason.rstrip('.')}. {advice}") from error


@contextlib.contextmanager
def _equal_rank() -> Iterator[None]:
    """A cluster that starts here has workers of the rank of this process, as other executors have."""
    if _NICENESS in os.environ:
        yield
        return
    os.environ[_NICENESS] = "0"
    try:
        yield
    finally:
        del os.environ[_NICENESS]


@contextlib.contextmanager
def _same_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; it is put back, for the job has its own way to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Ray's own threads print a paragraph for every worker that dies; the job says what came of it."""
    hushed, before = _Hushed(sys.stdout), sys.stdout
    sys.stdout = hushed  # type: ignore[assignment]
    try:
        yield
    finally:
        if sys.stdout is hushed:
            sys.stdout = before


class _Hushed:
    """A stream that takes nothing from threads of Ray."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith(_FROM_RAY):
            return len(text)
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
