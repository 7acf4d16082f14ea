"""Several pictures of one prompt, and short clips, on rendered scenes: which picture, when, and where.

    python benchmarks/several.py [--pairs 150] [--clips 100] [--json] [--smallest]

Pairs: two scenes and a phrase ("the red circle") of which the first holds one object and the other none,
asked in both orders. Clips: three frames, as many as tiny-llava's context holds, of one scene whose
named object goes across a backdrop ("moving"), or is there in one frame only ("appearing", each frame
in turn). Scenes are of those kept for reporting.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from measure import options, write
from numpy.typing import NDArray

import vlmscope as vs
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.stats import bootstrap
from vlmscope.tiny import Scene
from vlmscope.tiny.world.backgrounds import paint_background
from vlmscope.tiny.world.shapes import coverage
from vlmscope.tiny.world.words import PATTERNS, TONES

METHODS = ("localization-heads", "mean-attention", "relative-attention")
COLOURS = {
    "red": (214, 38, 36),
    "yellow": (238, 216, 40),
    "green": (44, 158, 58),
    "blue": (38, 72, 214),
    "purple": (128, 44, 172),
}
SIDE, FRAMES = 128, 3
_SUM = "sum of shares from one"

Row = dict[str, float | bool]
Figures = dict[str, float]


def kinds(scene: Scene) -> list[tuple[str, str]]:
    return [(each.colour, each.shape) for each in scene.objects]


def pairs(count: int) -> Iterator[tuple[Scene, Scene, int]]:
    """Two scenes and which object of the first the phrase is about."""
    scenes = scenes_of("test", 1_000)
    found = 0
    while found < count:
        one, other = next(scenes), next(scenes)
        own = kinds(one)
        named = [
            n for n, kind in enumerate(own) if own.count(kind) == 1 and kind not in kinds(other)
        ]
        if named:
            found += 1
            yield one, other, named[0]


def inside(mask: NDArray[np.bool_], grounding: vs.Grounding) -> bool:
    """Whether there is a box, and its peak lies on the object."""
    if grounding.box is None or grounding.point is None:
        return False
    x, y = (min(int(value), SIDE - 1) for value in grounding.point)
    return bool(mask[y, x])


def of_pairs(model: Any, count: int) -> Figures:
    """Both orders of every pair, by every method."""
    rows: dict[str, list[Row]] = {}
    for one, other, number in pairs(count):
        thing = one.objects[number]
        phrase = f"the {thing.colour} {thing.shape}"
        for name, order in itertools.product(METHODS, (0, 1)):
            images = [one.image, other.image][:: 1 - 2 * order]
            found = vs.ground_pictures(model, images, phrase, name)
            right, wrong = found.parts[order], found.parts[1 - order]
            rows.setdefault(f"{name}, in picture {order + 1}", []).append(
                {
                    "right picture": found.where == order,
                    "share": found.share[order],
                    "peak on it": inside(thing.mask, right),
                    "no box in the other": wrong.box is None,
                    "no box at all": right.box is None and wrong.box is None,
                    _SUM: abs(sum(found.share) - 1),
                }
            )
    return {f"{name}: {key}": value for name in rows for key, value in summary(rows[name]).items()}


def drawn(shape: str, colour: str, x: int, y: int, seed: int) -> tuple[Any, NDArray[np.bool_]]:
    """A backdrop with one object on it, uint8 (128, 128, 3), and the object's pixels."""
    rng = random.Random(seed)
    canvas = paint_background(rng.choice(PATTERNS), rng.choice(TONES), SIDE, SIDE, rng)
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    if colour:
        alpha = coverage(shape, 20, 0)
        top, left = y - alpha.shape[0] // 2, x - alpha.shape[1] // 2
        area = np.s_[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        canvas[area] += (np.array(COLOURS[colour]) - canvas[area]) * alpha[..., None]
        mask[area] = alpha > 0.5
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8), mask


def of_clips(model: Any, count: int) -> Figures:
    """An object that moves, and one that is there in one frame only."""
    rows: dict[str, list[Row]] = {}
    for seed in range(count):
        rng = random.Random(f"clip:{seed}")
        shape, colour = rng.choice(("circle", "square", "triangle")), rng.choice(list(COLOURS))
        y, way = rng.randint(34, 94), rng.choice((1, -1))
        shown = [drawn(shape, colour, x, y, seed) for x in (34, 64, 94)[::way]]
        found = vs.ground_clip(model, [frame for frame, _ in shown], f"the {colour} {shape}", fps=1)
        for n, ((_, mask), part) in enumerate(zip(shown, found.frames, strict=True)):
            alone = vs.ground(model, shown[n][0], f"the {colour} {shape}")
            row = {
                "peak on it": inside(mask, part),
                "peak on it, alone": inside(mask, alone),
                "share": found.share[n],
            }
            rows.setdefault(f"moving, frame {n + 1}", []).append(row)
        at = seed % FRAMES
        bare, _ = drawn(shape, "", 0, 0, seed)
        frames = [shown[n][0] if n == at else bare for n in range(FRAMES)]
        found = vs.ground_clip(model, frames, f"the {colour} {shape}", fps=1)
        others = [part.box is None for n, part in enumerate(found.frames) if n != at]
        row = {
            "right frame": found.where == at,
            "peak on it": inside(shown[at][1], found.frames[at]),
            "no box in the others": all(others),
            _SUM: abs(sum(found.share) - 1),
        }
        for name in ("appearing", f"appearing in frame {at + 1}"):
            rows.setdefault(name, []).append(row)
    return {f"{name}: {key}": value for name in rows for key, value in summary(rows[name]).items()}


def summary(rows: list[Row]) -> Figures:
    """Mean and interval of 95 % of every column."""
    figures: Figures = {"n": float(len(rows))}
    for name in rows[0]:
        each = bootstrap(np.array([float(row[name]) for row in rows]))
        figures |= {name: each.value, f"{name}, low": each.low, f"{name}, high": each.high}
    return figures


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, repeats=1)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--clips", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = vs.load("tiny-llava")
    count = (2, 3) if args.smallest else (args.pairs, args.clips)
    figures = {**of_clips(model, count[1]), **of_pairs(model, count[0])}
    sums = [value for name, value in figures.items() if name.endswith(_SUM)]
    kept = {name: value for name, value in figures.items() if _SUM not in name}
    write({**kept, "largest_difference_from_one": max(sums)}, args.json)


if __name__ == "__main__":
    main()
