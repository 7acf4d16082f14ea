"""What the benchmarks share: options, time and peak memory of a job, and how figures are written.

Every benchmark has ``--smallest``: the same steps on shapes that take seconds. Its figures say nothing
about speed; a test runs it, so that a benchmark cannot stop working unseen.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch


def options(description: str | None, repeats: int) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--smallest", action="store_true", help="tiny shapes: does it run at all?")
    return parser


def write(figures: dict[str, float], as_json: bool) -> None:
    """Figures on stdout: a JSON object, or a table of two columns."""
    if as_json:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return
    for name, value in figures.items():
        sys.stdout.write(f"{name:32s} {value:.4g}\n")


def in_fresh_process(script: str, *words: str) -> int:
    """The whole number that ``python SCRIPT WORDS`` prints last."""
    done = subprocess.run(
        [sys.executable, script, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout.strip().splitlines()[-1])


def seconds(job: Callable[[], object]) -> float:
    """Wall time of one run, work on a GPU included."""
    start = time.perf_counter()
    job()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def busy_seconds(job: Callable[[], object]) -> float:
    """Processor time of one run on one thread, which the work of others hardly changes.

    With more threads or on a GPU it is wall time.
    """
    if torch.get_num_threads() > 1 or torch.cuda.is_available():
        return seconds(job)
    start = time.process_time()
    job()
    return time.process_time() - start


def interleaved(jobs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Busy seconds of every job, in rounds: each once, then all again."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            taken[name].append(busy_seconds(job))
    return taken


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Median of the ratios of what was measured in the same round."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


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


def resident() -> int:
    """Bytes of memory that this process holds now."""
    statm = Path("/proc/self/statm")  # what Linux has needs no package
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    import psutil

    return int(psutil.Process().memory_info().rss)


def _resident_peak(job: Callable[[], object]) -> int:
    base = peak = resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, resident())
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        job()
    finally:
        done.set()
        watcher.join()
    return int(peak - base)
