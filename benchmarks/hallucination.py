"""Signs of hallucination: questions of one image on one cached image, against a whole pass for each.

Both ways read the same noisy rendered pictures on the embedded model: POPE's six questions an image, of
which each yes is a mention, and CHAIR's one description an image. Times are the processor's, medians over
interleaved repeats; the largest difference of any sign says that both do the same.

    python benchmarks/hallucination.py [--threads 1] [--repeats 3] [--images 8] [--batch 4] [--noise 32]
                                       [--json] [--smallest]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from measure import options, write

import vlmscope as vs
from vlmscope.analysis.hallucination import HallucinationOptions, measure
from vlmscope.analysis.hallucination.passes import WholePasses
from vlmscope.analysis.hallucination.result import HallucinationScores
from vlmscope.analysis.hallucination.shared_passes import image_passes
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.models import LoadedModel


def main() -> None:
    """Measure and print."""
    parser = options(__doc__, repeats=3)
    parser.add_argument("--model", default="tiny-llava")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--noise", type=float, default=32.0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.smallest:
        args.images = args.repeats = 1
    model = vs.load(args.model)
    longest = 10 if args.smallest else None
    chosen = HallucinationOptions(noise=args.noise, batch=args.batch, max_new_tokens=longest)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("pope", "chair"):
            make_tiny(kind, Path(folder) / kind, args.images)
            data = open_dataset(kind, Path(folder) / kind)
            figures |= compared(model, data, chosen, args.repeats)
    write(figures, args.json)


def compared(
    model: LoadedModel, data: Any, chosen: HallucinationOptions, repeats: int
) -> dict[str, float]:
    """Seconds of the processor for an image both ways, their ratio, and how far signs are apart."""
    spent: dict[str, list[float]] = {"shared": [], "whole": []}
    found: dict[str, HallucinationScores] = {}
    for _ in range(repeats):
        for way, passes in (("shared", image_passes), ("whole", whole_passes)):
            measure.image_passes = passes  # type: ignore[assignment]
            start = time.process_time()
            found[way] = vs.hallucination(model, data, chosen)
            spent[way].append((time.process_time() - start) / len(data.image_ids))
    ratios = [one / two for one, two in zip(spent["shared"], spent["whole"], strict=True)]
    return {
        f"{data.id}_mentions": len(found["whole"].mentions),
        f"{data.id}_whole_seconds": statistics.median(spent["whole"]),
        f"{data.id}_shared_seconds": statistics.median(spent["shared"]),
        f"{data.id}_ratio": statistics.median(ratios),
        f"{data.id}_largest_difference": apart(found["shared"], found["whole"]),
    }


def whole_passes(
    model: LoadedModel, pictures: Sequence[Any], asked: Any, chosen: HallucinationOptions
) -> list[WholePasses]:
    """The same signs from a pass for each."""
    first, last = chosen.reading(1).layers(len(model.layers))
    return [WholePasses(model, each, chosen, range(first, last + 1)) for each in pictures]


def apart(one: HallucinationScores, two: HallucinationScores) -> float:
    """The largest difference of any sign of any mention."""
    pairs = zip(one.mentions, two.mentions, strict=True)
    return max(
        (abs(a["signs"][name] - b["signs"][name]) for a, b in pairs for name in a["signs"]),
        default=0.0,
    )


if __name__ == "__main__":
    main()
