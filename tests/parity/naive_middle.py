"""Second implementations of the methods that read blocks before the last: one image, loops, float64.

As in ``naive``, nothing is shared with the library but the model's weights and its embeddings.
"""

from __future__ import annotations

import copy
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


__all__ = ["Tower", "cosines", "masked_rows", "middle", "proxied", "rows", "tower_of"]
