"""Grounding many pictures: files through one prepared call, against a bare loop over loaded pictures.

The bare loop calls ``vs.ground`` on pictures that are in memory already, so it neither reads nor decodes
anything; vlmscope's side reads JPEG files, decodes them ahead of their turn and prepares model and
phrases once. The same pictures, the same answers, interleaved in one run.

    python benchmarks/pictures.py [--model tiny-llava] [--count 48] [--long 1000] [--threads 2]
                                  [--repeats 5] [--json] [--smallest]

The embedded models are the hardest case: they look at a picture in a few hundredths of a second, so
reading it has little to hide behind. Memory is resident memory of a fresh process while it goes through
``--long`` pictures, and how much of it came after the first tenth.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from measure import in_fresh_process, options, resident, seconds, write
from PIL import Image

import vlmscope as vs

PHRASES = ["the red circle", "the blue square"]
MIB = 2**20


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, repeats=5)
    parser.add_argument("--model", default="tiny-llava")
    parser.add_argument("--count", type=int, default=48, help="pictures of one repeat")
    parser.add_argument("--long", type=int, default=1000, help="pictures of the memory run")
    parser.add_argument("--growth-only", action="store_true", help="print KiB of the memory run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.smallest:
        args.count, args.long = 4, 20
    with tempfile.TemporaryDirectory() as folder:
        files = photographs(Path(folder), min(args.count, 48))
        if args.growth_only:
            sys.stdout.write(f"{growth(args.model, files, args.long)}\n")
            return
        figures = times(args.model, files, args.repeats)
    words = ["--growth-only", "--model", args.model, "--threads", str(args.threads)]
    words += ["--long", str(args.long)]
    figures["growth_kib"] = in_fresh_process(__file__, *words)
    write(figures, args.json)


def photographs(folder: Path, count: int) -> list[Path]:
    """JPEG files of 640 x 480 pixels with the detail of a photograph."""
    random = np.random.default_rng(0)
    files = []
    for number in range(count):
        coarse = random.integers(0, 256, (48, 64, 3), np.uint8)
        picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
        files.append(folder / f"{number}.jpg")
        picture.save(files[-1], quality=90)
    return files


def times(name: str, files: list[Path], repeats: int) -> dict[str, float]:
    """Ratio of both ways, and how far their answers are apart."""
    model = vs.load(name)
    loaded = [vs.open_image(file).pixels for file in files]

    def bare() -> list[list[vs.Grounding]]:
        return [vs.ground(model, pixels, PHRASES) for pixels in loaded]

    def prepared() -> list[list[vs.Grounding]]:
        return vs.ground(model, list(files), PHRASES)

    apart = difference(bare(), prepared())
    slow, quick = zip(*((seconds(bare), seconds(prepared)) for _ in range(repeats)), strict=True)
    return {
        "pictures": len(files),
        "bare_seconds_per_picture": statistics.median(slow) / len(files),
        "over_bare_loop": statistics.median(b / a for a, b in zip(slow, quick, strict=True)),
        "largest_difference": apart,
    }


def difference(first: list[list[vs.Grounding]], second: list[list[vs.Grounding]]) -> float:
    """The largest difference between score maps."""
    return max(
        float(np.abs(a.score_map - b.score_map).max())
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def growth(name: str, files: list[Path], count: int) -> int:
    """KiB of resident memory that the last nine tenths of the pictures added."""
    ready = vs.grounder(vs.load(name), PHRASES)
    early = late = 0
    for number, _ in enumerate(ready.each(endless(files, count))):
        now = resident()
        if number <= count // 10:
            early = max(early, now)
        late = max(late, now)
    return (late - early) // 1024


def endless(files: list[Path], count: int) -> Iterator[Path]:
    """So many pictures, the same ones again and again."""
    return islice(cycle(files), count)


if __name__ == "__main__":
    main()
