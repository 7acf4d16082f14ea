"""A Ray cluster of two nodes on this machine: each has processes of its own, as a machine would."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[1]
_TRIALS = 2


@contextlib.contextmanager
def two_nodes() -> Iterator[Any]:
    """A ``ray.cluster_utils.Cluster`` of two nodes with a processor each, without what no test needs."""
    paths = [str(_ROOT / "tests"), str(_ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("RAY_worker_niceness", "0")  # else they wait for whatever else runs here
        patch.delenv("RAY_ADDRESS", raising=False)
        cluster = _started()
        try:
            yield cluster
        finally:
            cluster.shutdown()


def _started() -> Any:
    from ray.cluster_utils import Cluster

    head = {"include_dashboard": False, "no_monitor": True}
    reason = ""
    for _ in range(_TRIALS):
        cluster = Cluster()
        try:
            cluster.add_node(include_log_monitor=False, **head)
            cluster.add_node(include_log_monitor=False)
        except Exception as error:  # what Ray raises here has no class of its own
            cluster.shutdown()
            reason = str(error)
        else:
            return cluster
    # Ray gives a node and its helpers 15 s each, which is too little where many programs run at once
    pytest.skip(f"Ray cannot start two nodes on this machine now: {reason}")
