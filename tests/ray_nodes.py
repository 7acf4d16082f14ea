"""A Ray cluster of two nodes on this machine: each has processes of its own, as a machine would."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[1]
_TRIALS = 3  # Ray gives a node 30 s to start, which a busy machine may take longer for
_PORTS = (
    "metrics_agent_port",
    "metrics_export_port",
    "dashboard_agent_listen_port",
    "runtime_env_agent_port",
)


@contextlib.contextmanager
def two_nodes() -> Iterator[Any]:
    """A ``ray.cluster_utils.Cluster`` of two nodes with a processor each, without what no test needs."""
    paths = [str(_ROOT / "tests"), str(_ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.delenv("RAY_ADDRESS", raising=False)
        cluster = _started()
        try:
            yield cluster
        finally:
            cluster.shutdown()


def _started() -> Any:
    from ray.cluster_utils import Cluster

    for left in reversed(range(_TRIALS)):
        cluster = Cluster()
        try:
            cluster.add_node(include_dashboard=False, no_monitor=True, **_quick())
            cluster.add_node(**_quick())
        except Exception:  # what Ray raises here has no class of its own
            cluster.shutdown()
            if not left:
                raise
        else:
            return cluster
    raise AssertionError


def _quick() -> dict[str, Any]:
    """No log monitor, and ports that are known: else a node waits until its helpers have chosen them."""
    sockets = [socket.socket() for _ in _PORTS]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = {name: each.getsockname()[1] for name, each in zip(_PORTS, sockets, strict=True)}
    for each in sockets:
        each.close()
    return {"include_log_monitor": False, **ports}
