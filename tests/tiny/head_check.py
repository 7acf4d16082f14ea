"""A minimal label-free head discovery, to see while training whether heads point at all.

``vlmscope.methods`` holds the real one; this one is for the training machine:
``python tests/tiny/head_check.py FOLDER [FOLDER ...]``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from vlmscope.tiny.model.architecture import Shape, build_llava
from vlmscope.tiny.model.tokenizer import encode, vocabulary
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.training.packing import prefix_ids
from vlmscope.tiny.world.referring import ReferringSample, referring_samples
from vlmscope.tiny.world.splits import HELD_OUT, SELECT

TABLE = {word: index for index, word in enumerate(vocabulary())}
EIGHT = np.ones((3, 3))


@torch.no_grad()
def attention_maps(model: torch.nn.Module, sample: ReferringSample) -> np.ndarray:
    """float32 (layers, heads, grid, grid): the last token's attention to the image."""
    grid = Shape().canvas // Shape().patch
    ids = torch.tensor([prefix_ids(TABLE, grid * grid) + encode(sample.phrase, TABLE)])
    pixels = normalise(torch.from_numpy(sample.image)[None])
    device = next(model.parameters()).device
    output = model(input_ids=ids.to(device), pixel_values=pixels.to(device), output_attentions=True)
    rows = torch.stack([layer[0, :, -1] for layer in output.attentions]).float().cpu()
    image = rows[..., (ids[0] == TABLE["<image>"]).nonzero()[:, 0]]
    return image.reshape(*image.shape[:2], grid, grid).numpy()


def spatial_entropy(cells: np.ndarray) -> float:
    """Entropy of the areas of the 8-connected components above the mean."""
    labels, count = ndimage.label(cells > cells.mean(), structure=EIGHT)
    if count == 0:
        return float("inf")
    areas = np.bincount(labels.ravel())[1:] / (labels > 0).sum()
    return float(-(areas * np.log(areas)).sum())


def elbow(values: np.ndarray) -> float:
    """The value of the sorted curve that lies farthest from the chord between its ends."""
    curve = np.sort(values)
    chord = np.linspace(curve[0], curve[-1], len(curve))
    return float(curve[np.argmax(np.abs(chord - curve))])


def discover(maps: np.ndarray, keep: int = 10) -> tuple[list[tuple[int, int]], np.ndarray, float]:
    """Heads (layer, head) by selection frequency. maps: (samples, layers, heads, grid, grid)."""
    sums = maps.sum((-1, -2)).mean(0)
    sums[:2] = -1
    tau = elbow(sums[2:].ravel())
    alive = [tuple(int(i) for i in at) for at in np.argwhere(sums >= tau)]
    marks = np.zeros(sums.shape)
    for sample in maps:
        ranked = sorted(alive, key=lambda at: spatial_entropy(sample[at]))
        for at in ranked[:keep]:
            marks[at] += 1 / len(maps)
    order = sorted(alive, key=lambda at: -marks[at])
    return order, marks, tau


def pointing(
    maps: np.ndarray, heads: list[tuple[int, int]], samples: list[ReferringSample]
) -> float:
    """Share of samples whose summed, smoothed map peaks inside the object's box."""
    hits = []
    for sample_maps, sample in zip(maps, samples, strict=True):
        total = sum(sample_maps[at] for at in heads)
        row, column = np.unravel_index(np.argmax(total), total.shape)
        y, x = (row + 0.5) * Shape().patch, (column + 0.5) * Shape().patch
        x0, y0, x1, y1 = sample.box
        hits.append(x0 <= x < x1 and y0 <= y < y1)
    return float(np.mean(hits))


def report(model: torch.nn.Module, count: int) -> dict[str, object]:
    """Discover on SELECT scenes, verify on HELD_OUT scenes."""
    chosen = list(referring_samples(SELECT[:count]))
    tested = list(referring_samples(HELD_OUT[:count]))
    found = np.stack([attention_maps(model, sample) for sample in chosen])
    seen = np.stack([attention_maps(model, sample) for sample in tested])
    order, marks, tau = discover(found)
    layers, heads = marks.shape
    single = {(i, j): pointing(seen, [(i, j)], tested) for i in range(layers) for j in range(heads)}
    rng = random.Random(0)
    triples = [rng.sample(sorted(single)[2 * heads :], 3) for _ in range(40)]
    best = sorted(single, key=lambda at: -single[at])[:8]
    sums = found.sum((-1, -2)).mean(0)
    return {
        "tau": round(tau, 3),
        "sums": [" ".join(f"{value:.2f}" for value in row) for row in sums],
        "survivors": len(order),
        "top": [
            f"L{i}H{j} freq {marks[i, j]:.2f} sum {sums[i, j]:.2f} point {single[i, j]:.2f}"
            for i, j in order[:10]
        ],
        "top3": round(pointing(seen, order[:3], tested), 3),
        "top1": round(pointing(seen, order[:1], tested), 3),
        "top5": round(pointing(seen, order[:5], tested), 3),
        "random_triples": round(float(np.mean([pointing(seen, t, tested) for t in triples])), 3),
        "best_single": [f"L{i}H{j} {single[i, j]:.2f}" for i, j in best],
        "chance": round(
            float(
                np.mean([(s.box[2] - s.box[0]) * (s.box[3] - s.box[1]) / 128**2 for s in tested])
            ),
            3,
        ),
    }


def main() -> None:
    from transformers import LlavaForConditionalGeneration

    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--untrained", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    models = {
        str(folder): LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        )
        for folder in given.folders
    }
    if given.untrained:
        models["untrained"] = build_llava(Shape(), 0)
        models["untrained"].set_attn_implementation("eager")
    for name, model in models.items():
        record = {name: report(model.to(device).eval(), given.count)}
        sys.stdout.write(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
