"""A cluster is joined and left, or started and ended, with nothing of it staying here."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

import pytest

from vlmscope.errors import MissingExtraError, VlmscopeError
from vlmscope.labels.executors.cluster.session import _NICENESS, ray_session


class _Ray:
    """What of the module is used; ``init`` takes SIGTERM as the real one does."""

    def __init__(self, connected: bool = False, fault: Exception | None = None) -> None:
        self.calls: list[Any] = []
        self._connected = connected
        self._fault = fault

    def is_initialized(self) -> bool:
        return self._connected

    def init(self, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)
        self.calls.append(options)
        self.niceness = os.environ.get(_NICENESS)
        if self._fault is not None:
            raise self._fault

    def shutdown(self) -> None:
        self.calls.append("shutdown")


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def _session(monkeypatch: pytest.MonkeyPatch, ray: _Ray, address: str | None) -> list[Any]:
    monkeypatch.setitem(sys.modules, "ray", ray)
    with ray_session(address) as module:
        assert module is ray
    return ray.calls


def test_one_of_its_own_is_started_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_NICENESS, raising=False)
    before, module = signal.getsignal(signal.SIGTERM), _Ray()
    options, last = _session(monkeypatch, module, None)
    assert (options["address"], options["include_dashboard"], last) == ("local", False, "shutdown")
    assert signal.getsignal(signal.SIGTERM) is before
    assert (module.niceness, os.environ.get(_NICENESS)) == ("0", None)


def test_one_that_exists_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    options, _ = _session(monkeypatch, _Ray(), "10.0.0.7:6379")
    assert options["address"] == "10.0.0.7:6379"
    assert not {"include_dashboard", "object_store_memory"} & set(options)  # those are its own
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    assert _session(monkeypatch, _Ray(), None)[0]["address"] == "ray://head:10001"


def test_a_connection_that_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _session(monkeypatch, _Ray(connected=True), "auto") == []


@pytest.mark.parametrize(
    ("address", "words"),
    [("auto", "join the Ray cluster at 'auto': nothing there. See"), (None, "start a Ray cluster")],
)
def test_no_cluster(monkeypatch: pytest.MonkeyPatch, address: str | None, words: str) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(VlmscopeError, match=words):
        _session(monkeypatch, _Ray(fault=ConnectionError("nothing\n there.")), address)
    assert signal.getsignal(signal.SIGTERM) is before


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"vlmscope\[ray\]"), ray_session(None):
        pass


def test_threads_of_ray_do_not_print_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", _Ray())
    stream = sys.stdout
    with ray_session(None):
        thread = threading.Thread(
            target=sys.stdout.write, args=("a worker died\n",), name="ray_listen_error_messages"
        )
        thread.start()
        thread.join()
        sys.stdout.write("a result\n")
    assert sys.stdout is stream
    assert capsys.readouterr().out == "a result\n"
