"""Random TS-CAM weights as the authors' program saves them, and TS-CAM by plain steps over them."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTH, HEADS, BLOCKS, PATCH, SIDE, CLASSES = 128, 2, 3, 8, 32, 5
LABELS = ["Black footed Albatross", "tabby, tabby cat", "zebra", "bus", "sky"]


def ts_cam_weights(width: int = WIDTH, seed: int = 0) -> dict[str, Tensor]:
    """A state dict by timm's names, with a convolution for a head."""
    torch.manual_seed(seed)
    cells = (SIDE // PATCH) ** 2
    weights = {
        "cls_token": torch.randn(1, 1, width),
        "pos_embed": torch.randn(1, 1 + cells, width),
        "patch_embed.proj.weight": torch.randn(width, 3, PATCH, PATCH) / 14,
        "patch_embed.proj.bias": torch.randn(width) / 9,
    }
    for n in range(BLOCKS):
        for name, rows, columns in (
            ("attn.qkv", 3 * width, width),
            ("attn.proj", width, width),
            ("mlp.fc1", 4 * width, width),
            ("mlp.fc2", width, 4 * width),
        ):
            weights[f"blocks.{n}.{name}.weight"] = 1.3 * torch.randn(rows, columns) / columns**0.5
            weights[f"blocks.{n}.{name}.bias"] = torch.randn(rows) / 9
        for name in ("norm1", "norm2"):
            weights[f"blocks.{n}.{name}.weight"] = 1 + torch.randn(width) / 5
            weights[f"blocks.{n}.{name}.bias"] = torch.randn(width) / 9
    weights["norm.weight"], weights["norm.bias"] = 1 + torch.randn(width) / 5, torch.randn(width)
    weights["head.weight"] = torch.randn(CLASSES, width, 3, 3) / width**0.5
    weights["head.bias"] = torch.randn(CLASSES)
    return weights


def as_saved(weights: dict[str, Tensor]) -> dict[str, object]:
    """What training on several GPUs writes."""
    named = {f"module.{name}": value for name, value in weights.items()}
    return {"epoch": 60, "state_dict": named, "best_map": 0.877}


def naive(weights: dict[str, Tensor], values: Tensor) -> tuple[list[list[float]], list[float]]:
    """Maps (classes, patches) and logits (classes,) of one image (3, side, side), in float64."""
    w = {name: value.double() for name, value in weights.items()}
    width, n = w["cls_token"].shape[-1], SIDE // PATCH

    def norm(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        spread = (centred.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        return centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    tokens = [w["cls_token"][0, 0]]
    for y in range(n):
        for x in range(n):
            part = values.double()[:, y * PATCH : (y + 1) * PATCH, x * PATCH : (x + 1) * PATCH]
            kernel = w["patch_embed.proj.weight"]
            tokens.append((kernel * part).sum(dim=(1, 2, 3)) + w["patch_embed.proj.bias"])
    state = torch.stack(tokens) + w["pos_embed"][0]
    looked = torch.zeros(n * n, dtype=torch.float64)
    for b in range(BLOCKS):
        q, k, v = linear(norm(state, f"blocks.{b}.norm1"), f"blocks.{b}.attn.qkv").chunk(3, dim=-1)
        heads, size = [], width // HEADS
        for h in range(HEADS):
            part = slice(h * size, (h + 1) * size)
            attention = torch.softmax(q[:, part] @ k[:, part].T / size**0.5, dim=-1)
            looked += attention[0, 1:] / HEADS
            heads.append(attention @ v[:, part])
        state = state + linear(torch.cat(heads, dim=-1), f"blocks.{b}.attn.proj")
        hidden = linear(norm(state, f"blocks.{b}.norm2"), f"blocks.{b}.mlp.fc1")
        hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
        state = state + linear(hidden, f"blocks.{b}.mlp.fc2")
    patches = norm(state, "norm")[1:].reshape(n, n, width)
    semantic = torch.zeros(CLASSES, n, n, dtype=torch.float64)
    for y in range(n):
        for x in range(n):
            total = w["head.bias"].clone()
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if 0 <= y + dy < n and 0 <= x + dx < n:
                        total += w["head.weight"][:, :, dy + 1, dx + 1] @ patches[y + dy, x + dx]
            semantic[:, y, x] = total
    maps = semantic.flatten(1) * looked
    return maps.tolist(), semantic.mean(dim=(1, 2)).tolist()
