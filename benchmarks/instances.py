"""Every object of a phrase: ways of splitting one map, on rendered scenes with one to four equal objects.

Each scene holds one to four objects of one shape, colour, texture and size among others; the phrase
names the shape and the colour. ``tiny-llava`` and ``tiny-clip`` ground it by their defaults, once, and every
way reads the instances off the same map. Of each way the thresholds are chosen for each model by the best F1
on scenes of SELECT, and scored on as many scenes of HELD_OUT.

    python benchmarks/instances.py [--scenes 100] [--singular] [--json] [--smallest]

Printed per model and way: the mean absolute error of the count, the share of exact counts, and F1 at a box
IoU of .5 (matched one to one, as many as can be), with 95% intervals by images; F1 for each number of
objects; and the thresholds that were chosen.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from measure import options, write
from scipy.optimize import linear_sum_assignment

import vlmscope as vs
from vlmscope.models import LoadedModel
from vlmscope.post import Located
from vlmscope.post.instances import find_instances
from vlmscope.stats import Interval, bootstrap, ratio_of_sums
from vlmscope.tiny import Scene, SceneOptions, render_scene
from vlmscope.tiny.world.phrases import Phrase, resolve
from vlmscope.tiny.world.splits import HELD_OUT, SELECT
from vlmscope.tiny.world.words import plural
from vlmscope.types import Box, box_iou

MODELS = ("tiny-llava", "tiny-clip")
COUNTS = (1, 2, 3, 4)
_APART = 100_000  # seeds of one number of objects and the next
HEIGHTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
RIMS = (0.5, 0.6, 0.7)
WAYS: Mapping[str, tuple[dict[str, float], ...]] = {
    "first": ({"further": 1.0},),
    "heights": tuple({"further": a, "rim": b} for a, b in itertools.product(HEIGHTS, RIMS)),
    "components": tuple({"further": a} for a in HEIGHTS),
    "basins": tuple({"further": a} for a in HEIGHTS),
}
"""Each way with its settings to choose from; ``first`` takes one object for all."""


@dataclass(frozen=True)
class Case:
    """A scene and what each model makes of the phrase.

    Attributes:
        boxes: xyxy float pixels of the objects that the phrase names.
        located: by model.
    """

    boxes: tuple[Box, ...]
    located: Mapping[str, Located]


def scenes(
    count: int, wanted: int, split: range
) -> Iterator[tuple[Scene, Phrase, tuple[int, ...]]]:
    """Scenes with so many equal objects, the phrase for them, and which they are."""
    view = SceneOptions(counts=(count + 1, count + 2, count + 3), equal=count)
    seeds = iter(split[_APART * count :])
    while wanted:
        scene = render_scene(next(seeds), view)
        first = scene.objects[0]
        phrase = Phrase(colour=first.colour, shape=first.shape)
        meant = resolve(phrase, scene)
        if len(meant) == count:  # a crowded canvas holds fewer, chance may add one
            wanted -= 1
            yield scene, phrase, meant


def cases(models: Sequence[LoadedModel], wanted: int, split: range, singular: bool) -> list[Case]:
    """Every scene, grounded by every model: the only passes there are."""
    rows = []
    drawn = (scenes(count, wanted, split) for count in COUNTS)
    for scene, phrase, meant in itertools.chain.from_iterable(drawn):
        text = phrase.text()
        if not singular:
            text = text.removesuffix(phrase.shape or "") + plural(phrase.shape or "")
        located = {}
        for name, model in zip(MODELS, models, strict=True):
            found = vs.ground(model, scene.image, text).located
            assert found is not None  # both defaults locate
            located[name] = found
        rows.append(Case(tuple(scene.objects[index].box for index in meant), located))
    return rows


def boxes_of(located: Located, way: str, setting: Mapping[str, float]) -> list[Box]:
    """What a way makes of a map."""
    split = "components" if way == "first" else way
    changed = replace(located.options, split=split, **setting)
    instances = find_instances(located.token_map, located.weights, changed)
    return [instance.box for instance in instances[: 1 if way == "first" else None]]


def matched(boxes: Sequence[Box], truth: Sequence[Box]) -> int:
    """How many boxes can be matched, one to one, with an IoU of .5."""
    hits = np.array([[box_iou(one, two) >= 0.5 for two in truth] for one in boxes])
    if not hits.size:
        return 0
    return int(hits[linear_sum_assignment(hits, maximize=True)].sum())


def counted(rows: Sequence[Case], model: str, way: str, setting: Mapping[str, float]) -> np.ndarray:
    """Float (scenes, 4): boxes matched, boxes given, objects, and error of the count."""
    values = []
    for row in rows:
        boxes = boxes_of(row.located[model], way, setting)
        hits = matched(boxes, row.boxes)
        values.append((hits, len(boxes), len(row.boxes), abs(len(boxes) - len(row.boxes))))
    return np.array(values, dtype=np.float64)


def f1(values: np.ndarray) -> Interval:
    """2 x matched over boxes and objects, pooled over the scenes."""
    return bootstrap(_f1_columns(values), ratio_of_sums)


def pooled_f1(values: np.ndarray) -> float:
    """The same without its interval."""
    return float(ratio_of_sums(_f1_columns(values)[None])[0])


def _f1_columns(values: np.ndarray) -> np.ndarray:
    return np.stack([2 * values[:, 0], values[:, 1] + values[:, 2]], axis=1)


def chosen(rows: Sequence[Case], model: str, way: str) -> dict[str, float]:
    """The setting of a way with the best F1 of a model; of equal ones the first."""
    return max(WAYS[way], key=lambda setting: pooled_f1(counted(rows, model, way, setting)))


def figures(wanted: int, singular: bool) -> dict[str, float]:
    """Everything that is printed."""
    models = [vs.load(name) for name in MODELS]
    choosing, scoring = (cases(models, wanted, split, singular) for split in (SELECT, HELD_OUT))
    result = {"largest_difference_of_first": first_moved(scoring)}
    for model, way in itertools.product(MODELS, WAYS):
        setting = chosen(choosing, model, way)
        if way != "first":
            result |= {f"{model}_{way}_{name}": value for name, value in setting.items()}
        result |= scored(scoring, model, way, setting)
    return result


def first_moved(rows: Sequence[Case]) -> float:
    """How far in pixels the first instance's box is from the box of the Grounding, at most."""
    pairs = [
        (located.box or (0.0,) * 4, located.instances[0].box)
        for row in rows
        for located in row.located.values()
        if located.instances
    ]
    return max(float(np.abs(np.subtract(*pair)).max()) for pair in pairs)


def scored(
    rows: Sequence[Case], model: str, way: str, setting: Mapping[str, float]
) -> dict[str, float]:
    values = counted(rows, model, way, setting)
    name = f"{model}_{way}"
    intervals = {
        "count_error": bootstrap(values[:, 3]),
        "exact_count": bootstrap((values[:, 3] == 0).astype(float)),
        "f1": f1(values),
    }
    result = {
        f"{name}_{measure}{end}": value
        for measure, interval in intervals.items()
        for end, value in zip(("", "_low", "_high"), interval, strict=True)
    }
    for count in COUNTS:
        result[f"{name}_f1_of_{count}"] = pooled_f1(values[values[:, 2] == count])
    return result


def main() -> None:
    parser: argparse.ArgumentParser = options(__doc__, repeats=1)
    parser.add_argument(
        "--scenes", type=int, default=100, help="of each number of objects, on both sides"
    )
    parser.add_argument("--singular", action="store_true", help="'the red circle' for several, too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    wanted = 2 if arguments.smallest else arguments.scenes
    write(figures(wanted, arguments.singular), arguments.json)


if __name__ == "__main__":
    main()
