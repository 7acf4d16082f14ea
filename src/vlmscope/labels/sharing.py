"""How the work of a job is shared out, on this machine or on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.errors import BadOptionError
from vlmscope.labels.settings import LabelSettings, ModelSettings
from vlmscope.options import check_number, check_word

__all__ = ["Placing", "Sharing"]

_EXECUTORS = ("local", "ray")
_DEVICES = ("cpu", "cuda")  # on a cluster; of a GPU Ray decides which


@dataclass(frozen=True)
class Placing:
    """Where the work is done.

    Attributes:
        executor: ``local``, ``ray``, or None: local, unless there is an address.
        ray: address of a Ray cluster, or None.
        workers: how many; None: as many as there are GPUs.
    """

    executor: str | None = None
    ray: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None:
            check_number("workers", self.workers, at_least=1, whole=True)
        if self.executor is not None:
            check_word("executor", self.executor, _EXECUTORS)
        if self.executor == "local" and self.ray is not None:
            raise BadOptionError(
                f"--ray {self.ray} is the address of a cluster, and --executor local is none. Give one of "
                "them."
            )

    @property
    def on_cluster(self) -> bool:
        """Whether it is a Ray cluster."""
        return self.executor == "ray" or self.ray is not None


@dataclass(frozen=True)
class Sharing:
    """Workers and their limits.

    Attributes:
        placing: where.
        processes: beside this one, on this machine; 0: the work is done here.
        gpus: whether each worker of a cluster needs one; None: where there are any.
        threads: of computation in each; None: an even share of the cores.
        seconds: longest time for an image; None: no limit.
    """

    placing: Placing
    processes: int
    gpus: bool | None
    threads: int | None
    seconds: float | None

    @classmethod
    def of(
        cls,
        placing: Placing,
        threads: int | None,
        seconds: float | None,
        settings: LabelSettings,
        model: ModelSettings,
    ) -> Sharing:
        """What was asked for, or else a worker for each GPU.

        Raises:
            BadOptionError: a number out of range, or workers that cannot load what is loaded here.
        """
        if threads is not None:
            check_number("threads", threads, at_least=1, whole=True)
        if seconds is not None:
            check_number("image_seconds", seconds, at_least=0.01)
        named = model.by_name and settings.by_name
        count = placing.workers or (_gpus() if named and model.device is None else 1)
        # only a process can be ended in the middle of an image, or be told how many threads it has
        apart = count > 1 or seconds is not None or threads is not None or placing.on_cluster
        if apart and not named:
            raise BadOptionError(
                "Several workers, a cluster, threads and image_seconds need processes that load the model "
                "themselves: give the names of the model, of refine and of proxy, not loaded ones."
            )
        gpus = _needs_gpu(model.device) if placing.on_cluster else None
        return cls(placing, count if apart else 0, gpus, threads, seconds)


def _gpus() -> int:
    import torch

    return max(1, torch.cuda.device_count() if torch.cuda.is_available() else 1)


def _needs_gpu(device: str | None) -> bool | None:
    if device is None:
        return None
    if device not in _DEVICES:
        raise BadOptionError(
            f"Ray decides which GPU a worker has: the device is cpu or cuda on a cluster, got {device!r}."
        )
    return device == "cuda"
