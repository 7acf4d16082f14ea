"""Time and peak memory of a job, on a processor or a GPU."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch


def seconds(job: Callable[[], object]) -> float:
    """Wall time of one run, work on a GPU included."""
    start = time.perf_counter()
    job()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak_above(job: Callable[[], object], device: str = "cpu") -> int:
    """Most bytes in use during the job, above what was in use before it.

    On a processor this is resident memory, watched every 2 ms: run it in a fresh process, for
    memory that an earlier job gave back is not new.
    """
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        base = torch.cuda.memory_allocated()
        job()
        return int(torch.cuda.max_memory_allocated() - base)
    return _resident_peak(job)


def _resident() -> int:
    """Bytes of memory that this process holds now."""
    statm = Path("/proc/self/statm")  # what Linux has needs no package
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    import psutil

    return int(psutil.Process().memory_info().rss)


def _resident_peak(job: Callable[[], object]) -> int:
    base = peak = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, _resident())
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        job()
    finally:
        done.set()
        watcher.join()
    return int(peak - base)
