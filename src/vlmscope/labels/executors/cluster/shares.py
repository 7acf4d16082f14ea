"""What each worker is given of a cluster's machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.errors import BadOptionError

__all__ = ["Share", "shares"]


@dataclass(frozen=True)
class Share:
    """Of every worker.

    Attributes:
        workers: how many there are.
        threads: of computation in each.
        cpus: that Ray reserves for each.
        gpus: the same; 0 or 1.
    """

    workers: int
    threads: int
    cpus: int
    gpus: int


def shares(
    nodes: Sequence[dict[str, Any]], workers: int | None, threads: int | None, gpus: bool | None
) -> Share:
    """Share the machines out.

    Args:
        nodes: as ``ray.nodes()`` lists them.
        workers: how many; None: one for each GPU, else one for each machine with processors.
        threads: of computation in each; None: an even share of the smallest machine's processors.
        gpus: whether each has a GPU; None: where there are any.

    Raises:
        BadOptionError: no machine has what a worker needs.
    """
    machines = [each["Resources"] for each in nodes if each["Alive"]]
    with_gpus = [each for each in machines if each.get("GPU", 0) >= 1]
    if gpus and not with_gpus:
        raise BadOptionError(
            "No machine of the Ray cluster offers a GPU. Take --device cpu, or start its machines with "
            "ray start --num-gpus."
        )
    gpus = bool(with_gpus) if gpus is None else gpus
    able = with_gpus if gpus else [each for each in machines if each.get("CPU", 0) >= 1]
    cores = [int(each.get("CPU", 0)) for each in able]
    if max(cores, default=0) < (threads or 1):
        raise BadOptionError(
            f"A worker needs {threads or 1} processors, and the largest machine of the Ray cluster that it "
            f"may run on offers {max(cores, default=0)}. Take fewer --threads, or start a machine with more."
        )
    room = sum(int(each["GPU"]) for each in able) if gpus else len(able)
    count = workers or room
    # as many on each machine as there are on the fullest, where they are spread evenly
    together = max(int(each["GPU"]) for each in able) if gpus else -(-count // len(able))
    share = threads or max(1, min(cores) // together)
    return Share(count, share, threads or 1, int(gpus))
