"""Every test runs offline and on one thread per worker."""

from __future__ import annotations

import os

# Before anything imports torch or numpy: two workers with two threads each run at a fraction of
# the speed of two workers with one.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["MKL_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import gc
import socket
from collections.abc import Generator, Iterator
from typing import Any

import pytest

_LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::"}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting made stays to the end, so the collector of garbage need not walk through it.

    torch, transformers and ten thousand tests are 800,000 objects, over half a second each time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


class NetworkBlockedError(RuntimeError):
    """A test tried to reach something outside this machine."""


def _checked(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        remote = isinstance(address, tuple) and address[0] not in _LOCAL
        if remote:
            raise NetworkBlockedError(f"a test tried to connect to {address!r}")
        return connect(self, address)

    return guarded


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Heads that somebody keeps on this machine are not found, and none are kept here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLMSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _checked(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _checked(socket.socket.connect_ex))
        yield
