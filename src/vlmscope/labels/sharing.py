"""How the work of a job is shared out on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.errors import BadOptionError
from vlmscope.labels.settings import LabelSettings, ModelSettings
from vlmscope.options import check_number

__all__ = ["Sharing"]


@dataclass(frozen=True)
class Sharing:
    """Processes and their limits.

    Attributes:
        processes: beside this one; 0: the work is done here.
        threads: of computation in each; None: an even share of the cores.
        seconds: longest time for an image; None: no limit.
    """

    processes: int
    threads: int | None
    seconds: float | None

    @classmethod
    def of(
        cls,
        workers: int | None,
        threads: int | None,
        seconds: float | None,
        settings: LabelSettings,
        model: ModelSettings,
    ) -> Sharing:
        """What was asked for, or else a process for each GPU.

        Raises:
            BadOptionError: a number out of range, or processes that cannot load what is loaded here.
        """
        for name, value in (("workers", workers), ("threads", threads)):
            if value is not None:
                check_number(name, value, at_least=1, whole=True)
        if seconds is not None:
            check_number("image_seconds", seconds, at_least=0.01)
        named = model.by_name and settings.by_name
        count = workers or (_gpus() if named and model.device is None else 1)
        # only a process can be ended in the middle of an image, or be told how many threads it has
        apart = count > 1 or seconds is not None or threads is not None
        if apart and not named:
            raise BadOptionError(
                "Several workers, threads and image_seconds need processes that load the model themselves: "
                "give the names of the model, of refine and of proxy, not loaded ones."
            )
        return cls(count if apart else 0, threads, seconds)


def _gpus() -> int:
    import torch

    return max(1, torch.cuda.device_count() if torch.cuda.is_available() else 1)
