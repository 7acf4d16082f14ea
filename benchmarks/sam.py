"""SAM's image encoder: once for an image against once for each run and prompt, in one run.

Two runs answer the same sentences of one image, and SAM draws masks for each of their boxes, points, both and
masks, as ``vlmscope eval --refine`` does it: the image is embedded once for all of them. The other way gives
every run and prompt a pass of its own over the image, as separate evaluations would. SAM 1 with the shape of
ViT-B and random weights, float32; what the runs answer is written down here and costs nothing.

    python benchmarks/sam.py [--side 1024] [--sentences 8] [--threads 1] [--repeats 1] [--json] [--smallest]

Ratios are medians over interleaved repeats. ``passes`` count the image encoder.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from measure import options, seconds, write
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample, Referent
from vlmscope.data.images import open_image
from vlmscope.data.targets import Target
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.sam import with_sam
from vlmscope.refine import Refiner

RUNS = 2


@dataclass(frozen=True)
class Shape:
    """A SAM 1; the defaults are ViT-B.

    Attributes:
        side: of the square that it sees, in pixels.
    """

    side: int = 1024
    layers: int = 12
    hidden: int = 768
    heads: int = 12
    whole: tuple[int, ...] = (2, 5, 8, 11)


SMALLEST = Shape(side=128, layers=2, hidden=32, heads=2, whole=(1,))


class Answers(ImageResult):
    """Places that are written down."""

    def __init__(self, places: list[Place]) -> None:
        self._places = places

    def pointing(self) -> list[tuple[int, float]]:
        return [(0, 0.0)] * len(self._places)

    def places(self) -> list[Place]:
        return self._places

    def classes(self) -> Any:
        raise NotImplementedError

    def evidence(self) -> Any:
        raise NotImplementedError


class Answering(Entrant):
    """A run that answers at once, so that only SAM takes time."""

    def __init__(self, label: str, places: list[Place]) -> None:
        self.label, self._places = label, places

    @property
    def id(self) -> str:
        return "written"

    @property
    def digest(self) -> str:
        return self.label

    def setting(self) -> dict[str, Any]:
        return {"options": {}}

    def result(self, trial: Trial) -> ImageResult:
        return Answers(self._places)


def build(shape: Shape) -> Refiner:
    """A random SAM of that shape."""
    from transformers import SamConfig, SamImageProcessorPil, SamModel

    torch.manual_seed(0)
    config = SamConfig(
        vision_config={
            "hidden_size": shape.hidden,
            "mlp_dim": 4 * shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "global_attn_indexes": list(shape.whole),
            "image_size": shape.side,
        },
        prompt_encoder_config={"image_size": shape.side},
    )
    side = {"height": shape.side, "width": shape.side}
    images = SamImageProcessorPil(size={"longest_edge": shape.side}, pad_size=side)
    return Refiner.wrap(SamModel(config).eval(), images, name="random-sam")


def scene(sentences: int) -> tuple[EvalSample, list[list[Place]]]:
    """An image of 480 x 640 pixels, and where each run puts each sentence."""
    random = np.random.default_rng(0)
    image = open_image(random.integers(0, 256, (480, 640, 3), dtype=np.uint8))
    referent = Referent("something", ("something",), Target((0.0, 0.0, 9.0, 9.0)))
    places = [[_place(random) for _ in range(sentences)] for _ in range(RUNS)]
    return EvalSample("0", image, (referent,) * sentences), places


def _place(random: np.random.Generator) -> Place:
    x, y = int(random.integers(0, 400)), int(random.integers(0, 300))
    mask = np.zeros((480, 640), dtype=bool)
    mask[y : y + 120, x : x + 160] = True
    return Place(mask, (x, y, x + 160.0, y + 120.0), (x + 80.0, y + 60.0), 0.5)


def drawn(sample: EvalSample, entrants: Sequence[Entrant]) -> list[NDArray[np.bool_]]:
    """The masks of several entrants in one trial, in order."""
    trial = Trial(sample, entrants)
    places = [place for each in entrants for place in trial.result_of(each).places()]
    return [place.mask for place in places if place.mask is not None]


@dataclass(frozen=True)
class Way:
    """One way of drawing all masks.

    Attributes:
        masks: in the order of the entrants.
        seconds: wall time.
        passes: of the image encoder.
    """

    masks: list[NDArray[np.bool_]]
    seconds: float
    passes: int


def measured(sam: Refiner, trials: Sequence[Sequence[Entrant]], sample: EvalSample) -> Way:
    """All entrants, those of a trial together."""
    passes, masks = list[int](), list[NDArray[np.bool_]]()
    counter = sam.hf.vision_encoder.register_forward_hook(lambda *_: passes.append(1))
    taken = seconds(lambda: masks.extend(mask for each in trials for mask in drawn(sample, each)))
    counter.remove()
    return Way(masks, taken, len(passes))


def figures(shape: Shape, sentences: int, repeats: int) -> dict[str, float]:
    """Both ways on one image."""
    sam = build(shape)
    sample, places = scene(sentences)
    runs = [Answering(f"run {number}", own) for number, own in enumerate(places)]
    entrants = [each for each in with_sam(runs, sam) if each not in runs]
    sam.embed(sample.image)  # lazy allocations of libraries are nobody's
    once, each = list[Way](), list[Way]()
    for _ in range(repeats):
        once.append(measured(sam, [entrants], sample))
        each.append(measured(sam, [[alone] for alone in entrants], sample))
    pairs = list(zip(once, each, strict=True))
    return {
        "masks": float(len(once[0].masks)),
        "passes_once": float(once[0].passes),
        "passes_each": float(each[0].passes),
        "once_seconds": statistics.median(way.seconds for way in once),
        "each_seconds": statistics.median(way.seconds for way in each),
        "once_over_each": statistics.median(one.seconds / other.seconds for one, other in pairs),
        "largest_difference": max(
            float((one != other).mean())
            for one, other in zip(once[0].masks, each[0].masks, strict=True)
        ),
    }


def main() -> None:
    parser = options(__doc__, repeats=1)
    parser.add_argument("--side", type=int, default=Shape.side, help="of the square that SAM sees")
    parser.add_argument("--sentences", type=int, default=8, help="of the image")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    shape = SMALLEST if arguments.smallest else Shape(side=arguments.side)
    write(figures(shape, arguments.sentences, arguments.repeats), arguments.json)


if __name__ == "__main__":
    main()
