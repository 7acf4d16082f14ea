"""Discovery of heads: image by image, and batches of images side by side.

Both ways measure the same samples of the embedded world, one phrase an image, on the embedded model.
Passes are counted, and what a batch changes is said: the largest difference of a head's attention sum,
and of boxes of grounding the share that differ at all and the largest difference of their scores.
``bare_forward`` is the model alone on inputs that are made already, image by image and in batches: what
the loop around it costs is the rest. ``--against SRC`` measures, interleaved in fresh processes, the
discovery of another tree of sources too, image by image (an older one may know of no batch), by the
time of the processor.

    python benchmarks/discovery.py [--threads 1] [--repeats 3] [--count 1000] [--batch 8] [--against SRC]
                                   [--json] [--smallest]

Ratios are medians over interleaved repeats: machines are noisy, absolute times mean nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import options, seconds, write

import vlmscope as vs
from vlmscope.data.sample_lists import read_samples
from vlmscope.heads import DiscoveryOptions
from vlmscope.models import LoadedModel

OPTIONS = DiscoveryOptions(resamples=10)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__, repeats=3)
    parser.add_argument("--model", default="tiny-llava")
    parser.add_argument("--count", type=int, default=1000, help="samples of one repeat")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--against", type=Path, help="another tree of sources (its src folder)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.smallest:
        args.count, args.batch = 12, 4
    samples = list(read_samples(f"tiny-scenes:{args.count}"))
    model = vs.load(args.model)
    if args.one:
        sys.stdout.write(f"{_per_sample(model, samples)!r}\n")
        return
    figures = passes(model, samples, args.batch)
    figures |= times(model, samples, args)
    figures |= boxes(model, samples[:200], args.batch)
    write(figures, args.json)


def discovered(model: LoadedModel, samples: list[Any], batch: int) -> vs.HeadSet:
    """Heads of the samples."""
    return vs.discover_heads(model, samples, OPTIONS, progress=False, batch=batch)


def passes(model: LoadedModel, samples: list[Any], batch: int) -> dict[str, float]:
    """Passes through the decoder of both ways, and how far their measurements are apart."""
    alone, one_by_one = _counted(model, lambda: discovered(model, samples, 1))
    beside, side_by_side = _counted(model, lambda: discovered(model, samples, batch))
    return {
        "samples": len(samples),
        "batch": batch,
        "passes_one_by_one": one_by_one,
        "passes_side_by_side": side_by_side,
        "same_heads": float(alone.heads == beside.heads),
        "largest_difference": float(np.abs(np.subtract(alone.sums, beside.sums)).max()),
    }


def _counted(model: LoadedModel, job: Any) -> tuple[Any, int]:
    count = 0

    def entered(*_: object) -> None:
        nonlocal count
        count += 1

    hook = model.decoder.register_forward_pre_hook(entered)
    try:
        return job(), count
    finally:
        hook.remove()


def times(model: LoadedModel, samples: list[Any], args: argparse.Namespace) -> dict[str, float]:
    """Samples per second of the batch over those image by image, by the clock and of the processor."""
    alone = _encoded(model, samples[:64], 1)
    beside = _encoded(model, samples[:64], args.batch)
    ratios: dict[str, list[float]] = {}

    def ratio(name: str, slow: float, quick: float) -> None:
        ratios.setdefault(name, []).append(slow / quick)

    for _ in range(args.repeats):
        one = _clocks(lambda: discovered(model, samples, 1))
        many = _clocks(lambda: discovered(model, samples, args.batch))
        ratio("speedup", one[0], many[0])
        ratio("speedup_of_processor", one[1], many[1])
        bare, bare_many = (_clocks(partial(_forward, model, each)) for each in (alone, beside))
        ratio("speedup_of_bare_forward", bare[1], bare_many[1])
        ratio("bare_forward_share", bare_many[1] / min(64, len(samples)), many[1] / len(samples))
        if args.against is not None:
            old = _elsewhere(args) * len(samples)
            ratio("speedup_over_other_tree", old, many[1])
    return {name: statistics.median(values) for name, values in ratios.items()}


def _clocks(job: Any) -> tuple[float, float]:
    """Seconds by the clock, and of the processor in all threads."""
    before = time.process_time()
    wall = seconds(job)
    return wall, time.process_time() - before


def _per_sample(model: LoadedModel, samples: list[Any]) -> float:
    """Processor seconds a sample of whatever vlmscope is installed, image by image."""
    vs.discover_heads(model, samples[:4], OPTIONS, progress=False)
    job = partial(vs.discover_heads, model, samples, OPTIONS, progress=False)
    return _clocks(job)[1] / len(samples)


def _elsewhere(args: argparse.Namespace) -> float:
    words = ["--one", "--count", str(args.count), "--threads", str(args.threads)]
    words += ["--smallest"] if args.smallest else []
    done = subprocess.run(
        [sys.executable, __file__, *words],
        env={**os.environ, "PYTHONPATH": str(args.against)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.strip().splitlines()[-1])


def _encoded(model: LoadedModel, samples: list[Any], batch: int) -> list[dict[str, torch.Tensor]]:
    """Inputs of the model, made already: phrases of like length side by side."""
    ordered = sorted(samples, key=lambda each: len(each.phrase))
    parts = [ordered[start : start + batch] for start in range(0, len(ordered), batch)]
    return [
        model.encode(
            [vs.open_image(each.image).pixels for each in part], [each.phrase for each in part]
        ).inputs
        for part in parts
    ]


@torch.no_grad()
def _forward(model: LoadedModel, batches: list[dict[str, torch.Tensor]]) -> None:
    for inputs in batches:
        model.hf.model(**inputs, use_cache=False)


def boxes(model: LoadedModel, samples: list[Any], batch: int) -> dict[str, float]:
    """Grounding of each sample's own phrase, alone and beside others: what differs."""
    from vlmscope.methods import Job

    ready = vs.grounder(model, "the red circle")
    jobs = [Job(each.image, each.phrase) for each in samples]
    pairs = [
        (one.result()[0], other.result()[0])
        for one, other in zip(
            ready.stream(jobs, batch=1), ready.stream(jobs, batch=batch), strict=True
        )
    ]
    differing = [one.box != other.box for one, other in pairs]
    return {
        "boxes_that_differ": sum(differing) / len(pairs),
        "largest_difference_of_scores": max(abs(a.score - b.score) for a, b in pairs),
    }


if __name__ == "__main__":
    main()
