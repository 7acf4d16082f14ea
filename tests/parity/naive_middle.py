"""Second implementations of the methods that read blocks before the last: one image, loops, float64.

As in ``naive``, nothing is shared with the library but the model's weights and its embeddings.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from naive import NaiveBlock, rows
from torch import Tensor

from vlmscope.models import DualEncoder


@dataclass
class Tower:
    """One image in a tower: ``states[n]`` is what stands after n blocks, (tokens, dim) float64."""

    encoder: DualEncoder
    hf: Any
    blocks: list[NaiveBlock]
    states: list[Tensor]
    grid: tuple[int, int]

    @property
    def prefix(self) -> int:
        return self.encoder.family.prefix_tokens

    def project(self, patches: Tensor) -> Tensor:
        with torch.no_grad():
            return self.encoder.family.project(self.hf, patches[None])[0]


def tower_of(encoder: DualEncoder, values: Tensor, grid: tuple[int, int]) -> Tower:
    hf = copy.deepcopy(encoder.hf).double()
    trunk = getattr(hf, "vision_model", None) or getattr(hf, "vit", None) or hf.deit
    layers = trunk.encoder.layers if hasattr(trunk, "encoder") else trunk.layers
    blocks = [NaiveBlock(layer) for layer in layers]
    with torch.no_grad():
        states = [encoder.family.embed(hf, values.double(), grid)[0]]
        for block in blocks:
            states.append(block.original(states[-1]))
    return Tower(encoder, hf, blocks, states, grid)


def cosines(features: Tensor) -> Tensor:
    n = len(features)
    found = torch.zeros(n, n, dtype=features.dtype)
    for i in range(n):
        for j in range(n):
            a, b = features[i], features[j]
            found[i, j] = (a * b).sum() / ((a * a).sum().sqrt() * (b * b).sum().sqrt())
    return found


def masked_rows(similar: Tensor, beta: float, gamma: float) -> Tensor:
    """Each row's softmax over what lies above beta times the mean of all pairs, itself included."""
    mean = float(similar.sum()) / similar.numel()
    weights = torch.zeros_like(similar)
    for i in range(len(similar)):
        logits = {j: gamma * (float(similar[i, j]) - beta * mean) for j in range(len(similar))}
        kept = {j: value for j, value in logits.items() if value >= 0 or j == i}
        total = sum(torch.tensor(value).double().exp() for value in kept.values())
        for j, value in kept.items():
            weights[i, j] = torch.tensor(value).double().exp() / total
    return weights


def proxied(tower: Tower, features: Tensor, beta: float, gamma: float) -> Tensor:
    """ProxyCLIP: the last block's values under the proxy's attention."""
    last = tower.blocks[-1]
    weights = masked_rows(cosines(features), beta, gamma)
    with torch.no_grad():
        _, _, v = last.qkv(tower.states[-2])
        joined = last.join([weights @ head[tower.prefix :] for head in v])
    return tower.project(joined)


def middle(tower: Tower, after: int, beta: float, gamma: float) -> Tensor:
    return proxied(tower, tower.states[after][tower.prefix :], beta, gamma)


def resclip(
    tower: Tower, layers: range, share: float, gain: float, base: str, std: float
) -> Tensor:
    """``layers`` are counted from 1; attention matrices in full."""
    p, last = tower.prefix, tower.blocks[-1]
    columns = tower.grid[1]
    with torch.no_grad():
        q, k, v = last.qkv(tower.states[-2])
        middle_ = [tower.blocks[n - 1].qkv(tower.states[n - 1]) for n in layers]
        s = k[0].shape[-1] ** -0.5
        near = torch.zeros(len(v[0]), len(v[0]), dtype=v[0].dtype)
        if base == "naclip":
            for i in range(len(near) - p):
                for j in range(len(near) - p):
                    dy, dx = i // columns - j // columns, i % columns - j % columns
                    near[p + i, p + j] = math.exp(-(dy * dy + dx * dx) / (2 * std * std))
        heads = []
        for h in range(last.heads):
            each = q[h] if base == "clearclip" else k[h]
            crossed = [rows(s * a[h] @ b[h].T) for a, b, _ in middle_]
            mean = sum(crossed) / len(crossed)
            heads.append(
                gain * ((1 - share) * rows(s * each @ each.T + near) + share * mean) @ v[h]
            )
        return tower.project(last.join(heads)[p:])


def factors(features: Tensor, neighbours: int, kind: str) -> list[float]:
    """Local outlier factors, point by point; "own": squared distances, a point's own reach."""
    n = len(features)
    k = min(neighbours, n - 1)
    power = 2 if kind == "own" else 1
    distance = [
        [float((features[i] - features[j]).pow(2).sum().sqrt()) ** power for j in range(n)]
        for i in range(n)
    ]
    near = [
        sorted((j for j in range(n) if j != i), key=lambda j, i=i: distance[i][j])[:k]
        for i in range(n)
    ]
    last = [distance[i][near[i][-1]] for i in range(n)]
    density = []
    for i in range(n):
        reach = [max(last[i] if kind == "own" else last[j], distance[i][j]) for j in near[i]]
        density.append(k / sum(reach))
    return [sum(density[j] / density[i] for j in near[i]) / k for i in range(n)]


def lost_of(features: Tensor, share: float, neighbours: int, kind: str) -> set[int]:
    if not share:
        return set()
    values = torch.tensor(factors(features, neighbours, kind), dtype=torch.float64)
    limit = float(torch.quantile(values, 1 - share))
    return {i for i, value in enumerate(values.tolist()) if value > limit}


def mended(features: Tensor, lost: set[int], grid: tuple[int, int]) -> Tensor:
    rows_, columns = grid
    found = features.clone()
    for i in lost:
        y, x = divmod(i, columns)
        around = [
            (y + dy) * columns + x + dx
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
            if 0 <= y + dy < rows_ and 0 <= x + dx < columns
        ]
        kept = [j for j in around if j not in lost]
        if kept:
            found[i] = sum(features[j] for j in kept) / len(kept)
    return found


def gathered_by(similar: Tensor, least: float, patches: Tensor) -> Tensor:
    found = torch.zeros_like(patches)
    for i in range(len(patches)):
        kept = [j for j in range(len(patches)) if similar[i, j] >= least]
        total = sum(float(similar[i, j]) for j in kept) + 1e-6
        for j in kept:
            found[i] = found[i] + similar[i, j] / total * patches[j]
    return found


def sc_clip(tower: Tower, depths: tuple[int, int, int, int], **options: Any) -> Tensor:
    """Outliers, aggregation, attention, levels; ``depths``: middle, early, first and last level."""
    parts = {"class_token": 0.3, "attention": "mean", "aggregate": True, "multi_level": True}
    found_by = {"outliers": 0.05, "neighbours": 30, "factor": "own", "similar": 0.4}
    o: dict[str, Any] = {**parts, **found_by, **options}
    p, block = tower.prefix, tower.blocks[-1]
    middle_, early, first, end = depths
    last = tower.states[-2]
    lost = lost_of(last[p:], o["outliers"], o["neighbours"], o["factor"])
    patches = mended(last[p:], lost, tower.grid)
    similar = cosines(mended(tower.states[middle_][p:], lost, tower.grid))
    weights = masked_rows(similar, 1.0, 3.0)

    def attended(x: Tensor) -> Tensor:
        _, k, v = block.qkv(x)
        s = k[0].shape[-1] ** -0.5
        heads = []
        for h in range(block.heads):
            a = rows(s * k[h] @ k[h].T)
            if o["attention"] != "keys":
                a = a + weights
            heads.append((a / 2 if o["attention"] == "mean" else a) @ v[h])
        return block.join(heads)

    near = cosines(tower.states[early][p:])
    with torch.no_grad():
        if o["aggregate"]:
            patches = gathered_by(similar, o["similar"], patches)
        passes = [(patches, last)]
        if o["multi_level"]:
            total = sum(tower.states[n] for n in range(first, end + 1))
            passes.append((total[p:], total))
        found = torch.zeros_like(patches)
        for x, whole in passes:
            each = attended(x)
            if p:
                each = each + o["class_token"] * whole[0]
            found = found + (gathered_by(near, o["similar"], each) if o["aggregate"] else each)
    return tower.project(found)
