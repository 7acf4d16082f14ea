"""vlmscope label: what the job takes beside its model, memory, several processes, and where it ends.

- ``label_over_engine``: processor time of the whole job, decoding included, over the same batched engine
  on images that are decoded already; ``decoding_over_engine``: what decoding alone takes of that.
- ``orchestration``: time by the clock beyond that of a model which sleeps 50 ms an image, with real
  pictures that are decoded and rows that are written; 0.03 is 3 %. ``orchestration_of_thread``: the
  processor's time of the thread that the model runs in, as a share of those 50 ms, which is what remains
  of it on a machine that is not busy; ``orchestration_of_processor``: of all threads, decoding included.
- ``peak_mib_N_rows``: most memory beside what the libraries take, in a fresh process, synthetic rows.
- ``two_processes_asleep``: images per second of two processes over one, the model asleep;
  ``two_processes``: of a model that computes, one thread each, which asks for two cores that are free.
- ``workers_N_of_ideal``: images per second of N processes with a model of 50 ms, as a share of N times 20;
  ``job_milliseconds``: processor time of the one process that gives out and writes, an image;
  ``saturates_at_workers``: where that process is busy all the time, were there cores for all others;
  ``worker_milliseconds``: what rows and parts take of a worker, an image.
- ``boxes_that_differ``: rate among all rows, batched against single, ``largest_difference_of_scores``.

    python benchmarks/labels.py [--model tiny-llava] [--count 100] [--batch 8] [--workers 1,4,16,64]
                                [--repeats 3] [--only over,sleep,memory,two,many,boxes] [--json] [--smallest]

Machines are noisy: ratios are medians over interleaved repeats.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from sleeping import Numbers, Rows, Timed, inside, make_real, make_rows, make_sleeping, run

from vlmscope.labels.executors import Chunk, Task
from vlmscope.labels.executors.worker import Worker
from vlmscope.labels.sources import Source
from vlmscope.labels.sources.files import FolderImages

# measure imports torch, which processes with a sleeping model do without: it is imported where it is used

PHRASES = ("a red circle", "a blue square")
MODEL_SECONDS = 0.05
PARTS = "over,sleep,memory,two,many,boxes"


def main() -> None:
    """Measure and print."""
    from measure import options, write

    parser = options(__doc__, repeats=3)
    parser.add_argument("--model", default="tiny-llava")
    parser.add_argument("--count", type=int, default=100, help="pictures, and images a worker")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--workers", default="1,4,16,64")
    parser.add_argument("--rows", default="1000,100000")
    parser.add_argument("--only", default=PARTS)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        sys.stdout.write(f"{measure_peak(args.peak)}\n")
        return
    if args.smallest:
        args.count, args.batch, args.workers, args.rows = 6, 3, "2", "200,400"
        args.model = "tiny-clip"
    import torch

    torch.set_num_threads(args.threads)
    write(figures(args, args.only.split(",")), args.json)


def figures(args: argparse.Namespace, parts: list[str]) -> dict[str, float]:
    """Those that are asked for."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        photos = photographs(place / "photos", args.count)
        if "over" in parts:
            found |= over_engine(args, photos, place)
        if "sleep" in parts:
            found |= orchestration(args, photos, place)
        if "memory" in parts:
            found |= memory([int(each) for each in args.rows.split(",")])
        if "two" in parts:
            found |= two_processes(args, photos, place)
        if "many" in parts:
            found |= many(args, place)
        if "boxes" in parts:
            found |= boxes(args, place)
    return found


def photographs(folder: Path, count: int) -> Path:
    """JPEGs of the size of a photograph on the web, 640 x 480, with something in each."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (48, 64, 3), np.uint8))
        picture = coarse.resize((640, 480), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.jpg", quality=90)
    return folder


def over_engine(args: argparse.Namespace, photos: Path, place: Path) -> dict[str, float]:
    """Processor time of the job and of decoding, over the engine's on decoded images."""
    from measure import busy_seconds

    import vlmscope as vs
    from vlmscope.methods import Job

    model = vs.load(args.model)
    files = sorted(photos.iterdir())
    opened = [vs.open_image(file) for file in files]
    ready = vs.grounder(model, list(PHRASES))

    def engine() -> None:
        for _ in ready.stream((Job(each) for each in opened), batch=args.batch, ordered=False):
            pass

    def decoding() -> None:
        for file in files:
            vs.open_image(file)

    def label(number: int) -> None:
        vs.label(model, photos, PHRASES, out=place / f"over-{number}", batch=args.batch)

    engine()
    label(-1)  # what is imported once for all is none of the job
    whole, bare, read = [], [], []
    for number in range(args.repeats):
        bare.append(busy_seconds(engine))
        whole.append(busy_seconds(partial(label, number)))
        read.append(busy_seconds(decoding))
    return {
        "label_over_engine": _ratio(whole, bare),
        "decoding_over_engine": _ratio(read, bare),
        "label_over_engine_and_decoding": _ratio(
            whole, [a + b for a, b in zip(bare, read, strict=True)]
        ),
    }


def orchestration(args: argparse.Namespace, photos: Path, place: Path) -> dict[str, float]:
    """What a model of a known time waits for."""
    labeller = make_sleeping(MODEL_SECONDS, "tiny-clip", PHRASES, args.batch)
    source = FolderImages(photos)
    asleep, clock, thread, processor = args.count * MODEL_SECONDS, [], [], []
    for number in range(args.repeats):
        start, busy, own = time.perf_counter(), time.process_time(), time.thread_time()
        run(source, place / f"sleep-{number}", inside(source, labeller))
        clock.append((time.perf_counter() - start) / asleep - 1)
        thread.append((time.thread_time() - own) / asleep)
        processor.append((time.process_time() - busy) / asleep)
    return {
        "orchestration": statistics.median(clock),
        "orchestration_of_thread": statistics.median(thread),
        "orchestration_of_processor": statistics.median(processor),
    }


def memory(rows: list[int]) -> dict[str, float]:
    """Peaks of jobs of so many rows, each in a fresh process."""
    from measure import in_fresh_process

    peaks = [in_fresh_process(__file__, "--peak", str(count)) for count in rows]
    found = {
        f"peak_mib_{count}_rows": peak / 2**20 for count, peak in zip(rows, peaks, strict=True)
    }
    found["growth_bytes_a_row"] = max(0.0, (peaks[-1] - peaks[0]) / (rows[-1] - rows[0]))
    return found


def measure_peak(count: int) -> int:
    """Bytes above what a job of 64 images leaves behind."""
    from measure import peak_above

    with tempfile.TemporaryDirectory() as name:

        def job(number: int) -> None:
            source = Numbers(number)
            run(source, Path(name) / str(number), inside(source, Rows(0.0)))

        job(64)
        return peak_above(partial(job, count))


def two_processes(args: argparse.Namespace, photos: Path, place: Path) -> dict[str, float]:
    """Images per second of two over one, asleep and at work."""
    count = 2 * args.count
    sleeping = partial(make_rows, seconds=MODEL_SECONDS)
    working = partial(make_real, model="tiny-clip", phrases=PHRASES)
    asleep = [rate(Numbers(count), sleeping, number, place)[0] for number in (1, 2)]
    busy = [rate(FolderImages(photos), working, number, place)[0] for number in (1, 2)]
    return {
        "two_processes_asleep": asleep[1] / asleep[0],
        "two_processes": busy[1] / busy[0],
    }


def many(args: argparse.Namespace, place: Path) -> dict[str, float]:
    """More and more processes with a model of a known time."""
    found: dict[str, float] = {}
    spent = []
    for workers in map(int, args.workers.split(",")):
        source = Numbers(workers * args.count)
        sleeping = partial(make_rows, seconds=MODEL_SECONDS)
        images, busy = rate(source, sleeping, workers, place)
        found[f"workers_{workers}_of_ideal"] = images * MODEL_SECONDS / workers
        spent.append(busy)
    found["job_milliseconds"] = 1000 * spent[-1]
    found["saturates_at_workers"] = MODEL_SECONDS / spent[-1]
    found["worker_milliseconds"] = 1000 * _worker_seconds()
    return found


def rate(source: Source, make: Any, workers: int, place: Path) -> tuple[float, float]:
    """Images per second, and processor seconds of this process for each image."""
    task = Task(source, make, threads=1)
    executors: list[Timed] = []

    def made() -> Timed:
        executors.append(Timed(task, workers))
        return executors[-1]

    with tempfile.TemporaryDirectory(dir=place) as out:
        images = run(source, Path(out) / "labels", made, part=10)
    [executor] = executors
    return images / executor.taken, executor.busy / images


def _worker_seconds(images: int = 640) -> float:
    """Processor time of a worker for each image, beside its model."""
    source = Numbers(images)
    worker = Worker(Task(source, partial(make_rows, seconds=0.0)))
    items = tuple(source.items())
    worker.label(Chunk("first", items[:64]), lambda count: None)
    start = time.process_time()
    for at in range(0, images, 64):
        worker.label(Chunk(str(at), items[at : at + 64]), lambda count: None)
    return (time.process_time() - start) / images


def boxes(args: argparse.Namespace, place: Path) -> dict[str, float]:
    """Rows of a batch against those of one image after the other, on scenes of the embedded world."""
    from PIL import Image

    import vlmscope as vs
    from vlmscope.data.datasets import open_dataset

    scenes = open_dataset("tiny-scenes", None, None)
    folder = place / "scenes"
    folder.mkdir()
    for name in list(scenes.image_ids)[: args.count]:
        Image.fromarray(scenes.load(name).image.pixels).save(folder / f"{name}.png")
    rows = []
    for batch in (1, args.batch):
        out = place / f"batch-{batch}"
        vs.label(vs.load(args.model), folder, PHRASES, out=out, batch=batch, instances=True)
        held = vs.LabelFolder.open(out).rows(["id", "phrase", "instance", "box", "score"])
        rows.append({(row["id"], row["phrase"], row["instance"]): row for row in held})
    one, several = rows
    both = [(one[key], several[key]) for key in one.keys() & several.keys()]
    differ = len(one.keys() ^ several.keys()) + sum(a["box"] != b["box"] for a, b in both)
    return {
        "rows": len(one),
        "boxes_that_differ": differ / len(one),
        "largest_difference_of_scores": max(abs(a["score"] - b["score"]) for a, b in both),
    }


def _ratio(over: list[float], under: list[float]) -> float:
    from measure import median_ratio

    return median_ratio(over, under)


if __name__ == "__main__":
    main()
