"""GEM on a ViT-B/16 at 448x448: vlmscope against the plain way, in one run.

The plain way is written here from the formula as published code does it: every attention is an explicit
softmax matrix, both paths run whole, images go one at a time, the text is embedded again for each image.
Random weights, float32; both sides start from the same normalised pixels.

    python benchmarks/gem.py [--threads 1] [--repeats 3] [--bfloat16] [--methods] [--together]
                             [--windows] [--texts] [--all] [--model FOLDER] [--json] [--smallest]

Ratios are medians over interleaved repeats. The share of the machine's rate divides the operations that
the method needs by the time, and that by the best rate of large matrix products of the tower's own
shapes in the same run. Peak memory is measured in fresh processes, above the loaded model.

With --bfloat16 vlmscope's side also runs in bfloat16: its time is set against the same plain way in
float32, and its similarities against its own in float32 (random weights: what it does to the maps of a
trained model is asked with ``vlmscope eval --dtype bfloat16``).

On one thread time is processor time, so that others' work on the machine is not in it.

With --methods every dense method runs on one image: how many of the last blocks it changes; its time over
that of the bare tower by transformers' fast kernel, image embedding included on both sides; over the plain
way, its own formula by explicit matrices of attention; and over what its counted operations
(``operations.py``) take at the rate of products.

With --together every dense method also grounds two phrases in one image, by one call of
``compare_methods`` against one call of ``ground`` for each method. With --windows the windows of the
field's protocol go through the tower in batches and one by one. With --texts 1,000 words under 80 templates
are embedded by a small text tower, and asked for again. --all is all of these.

With --model the tower is that of a CLIP in a folder, on images of 448 pixels: speed hardly depends on
weights, but for methods that look for outliers.
"""

from __future__ import annotations

import argparse
import copy
import math
import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from dense import each_method, text_cache, together, windows
from measure import busy_seconds, in_fresh_process, options, peak_above, write
from operations import method_operations
from torch import Tensor
from vision_towers import FULL, PATCH, SMALLEST, Tower, build, loaded, product_rate

import vlmscope as vs
from vlmscope.methods import get_method
from vlmscope.methods.encoder import dense_tokens
from vlmscope.models import DualEncoder

PROMPTS = ["a photo of a cat.", "a photo of a dog."]

# -- the plain way -------------------------------------------------------------------------


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, scale: float | Tensor) -> Tensor:
    """Explicit: the whole (tokens, tokens) matrix is made."""
    return torch.softmax(q @ k.transpose(-1, -2) * scale, dim=-1) @ v


def heads(x: Tensor, count: int) -> Tensor:
    return x.view(*x.shape[:2], count, -1).transpose(1, 2)


def merged(x: Tensor) -> Tensor:
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


def plain_gem_update(attention: Any, x: Tensor, iterations: int) -> Tensor:
    """The GEM path's step in one block: projections again, three explicit self-self attentions."""
    count, dim = attention.num_heads, attention.head_dim
    temperature = float(x.norm(dim=-1).mean() / math.sqrt(dim))
    v = heads(attention.v_proj(x), count)
    parts = []
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
        p = heads(projection(x), count)
        for _ in range(iterations):
            p = F.normalize(p, dim=-1)
            p = softmax_attention(p, p, p, temperature)
        p = F.normalize(p, dim=-1)
        parts.append(attention.out_proj(merged(softmax_attention(p, p, v, temperature))))
    return torch.stack(parts).mean(dim=0)


def grid_of(values: Tensor) -> tuple[int, int]:
    """(rows, columns) of patches of pixel values (batch, 3, height, width)."""
    return values.shape[-2] // PATCH, values.shape[-1] // PATCH


def plain_image(
    encoder: DualEncoder, values: Tensor, depth: int = 6, iterations: int = 1
) -> Tensor:
    """One image the plain way: similarities (patches, prompts)."""
    hf, family = encoder.hf, encoder.family
    x = family.embed(hf, values, grid_of(values))
    dense: Tensor | None = None
    layers = hf.vision_model.encoder.layers
    for number, layer in enumerate(layers):
        attention = layer.self_attn
        normed = layer.layer_norm1(x)
        if number >= len(layers) - depth:
            update = plain_gem_update(attention, normed, iterations)
            dense = (x if dense is None else dense) + update
        q, k, v = (
            heads(projection(normed), attention.num_heads)
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        x = x + attention.out_proj(merged(softmax_attention(q, k, v, attention.scale)))
        x = x + layer.mlp(layer.layer_norm2(x))
    assert dense is not None
    family.pool(hf, x)  # the class token's embedding is computed along
    patches = F.normalize(family.project(hf, dense[:, 1:])[0], dim=-1)
    text = F.normalize(family.embed_text(hf, encoder.processor, PROMPTS), dim=-1)
    return patches @ text.T


def plain(encoder: DualEncoder, values: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.stack([plain_image(encoder, one[None]) for one in values])


# -- vlmscope ------------------------------------------------------------------------------


def ours(encoder: DualEncoder, values: Tensor) -> Tensor:
    """A batch through vlmscope: similarities (batch, patches, prompts)."""
    gem = get_method("gem")
    tokens = dense_tokens(encoder, values, grid_of(values), gem, gem.options())  # type: ignore[arg-type]
    return F.normalize(tokens.patches, dim=-1) @ encoder.text_embeddings(PROMPTS).T


# -- what is measured ----------------------------------------------------------------------


def time_ratios(encoder: DualEncoder, tower: Tower, repeats: int) -> dict[str, float]:
    torch.manual_seed(1)
    batch = torch.randn(8, 3, tower.side, tower.side)
    jobs: dict[str, Callable[[], object]] = {
        "plain": lambda: plain(encoder, batch[:1]),
        "one": lambda: ours(encoder, batch[:1]),
        "eight": lambda: ours(encoder, batch),
    }
    difference = float((plain(encoder, batch[:1]) - ours(encoder, batch[:1])).abs().max())
    jobs["eight"]()
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    rates, share_one, share_eight, one, eight = [], [], [], [], []
    for _ in range(repeats):
        rate = product_rate(tower)
        for name, job in jobs.items():
            taken[name].append(busy_seconds(job))
        rates.append((rate + product_rate(tower)) / 2)
        one.append(taken["one"][-1] / taken["plain"][-1])
        eight.append(taken["eight"][-1] / 8 / taken["plain"][-1])
        share_one.append(method_operations(tower, "gem") / taken["one"][-1] / rates[-1])
        share_eight.append(8 * method_operations(tower, "gem") / taken["eight"][-1] / rates[-1])
    return {
        "largest_difference": difference,
        "plain_seconds": statistics.median(taken["plain"]),
        "batch_1": statistics.median(one),
        "batch_8_per_image": statistics.median(eight),
        "gigaflops_of_products": statistics.median(rates) / 1e9,
        "share_of_rate_batch_1": statistics.median(share_one),
        "share_of_rate_batch_8": statistics.median(share_eight),
    }


def bfloat16_ratios(encoder: DualEncoder, tower: Tower, repeats: int) -> dict[str, float]:
    """The same weights in bfloat16, against the plain way in float32; ``encoder`` stays as it is."""
    half = vs.from_pretrained_model(
        copy.deepcopy(encoder.hf).to(torch.bfloat16), encoder.processor, name="random-vit-b16-half"
    )
    assert isinstance(half, DualEncoder)
    torch.manual_seed(1)
    batch = torch.randn(8, 3, tower.side, tower.side)
    exact, rough = ours(encoder, batch).flatten(), ours(half, batch).float().flatten()
    one, eight = [], []
    for _ in range(repeats):
        whole = busy_seconds(lambda: plain(encoder, batch[:1]))
        one.append(busy_seconds(lambda: ours(half, batch[:1])) / whole)
        eight.append(busy_seconds(lambda: ours(half, batch)) / 8 / whole)
    return {
        "bfloat16_native": float(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
        "bfloat16_batch_1": statistics.median(one),
        "bfloat16_batch_8_per_image": statistics.median(eight),
        "bfloat16_correlation": float(torch.corrcoef(torch.stack([exact, rough]))[0, 1]),
        "bfloat16_largest_difference": float((exact - rough).abs().max()),
    }


def peaks(smallest: bool) -> dict[str, float]:
    """Peak memory above the loaded model, in fresh processes."""
    size = ["--smallest"] if smallest else []
    whole = in_fresh_process(__file__, "--peak", "plain", *size)
    return {
        "plain_peak_mib": whole / 2**20,
        "peak_memory": in_fresh_process(__file__, "--peak", "ours", *size) / whole,
    }


def measure_peak(way: str, tower: Tower) -> int:
    encoder = build(tower)
    values = torch.randn(1, 3, tower.side, tower.side)
    with torch.no_grad():  # lazy allocations of libraries are not the method's
        encoder.family.embed_text(encoder.hf, encoder.processor, PROMPTS)
        encoder.family.embed(encoder.hf, values, tower.grid)
    return peak_above(lambda: (plain if way == "plain" else ours)(encoder, values))


def figures(arguments: argparse.Namespace) -> dict[str, float]:
    """Everything that was asked for, memory last."""
    if arguments.model:
        encoder, tower = loaded(arguments.model, FULL.side)
    else:
        tower = SMALLEST if arguments.smallest else FULL
        encoder = build(tower)
    repeats = arguments.repeats
    result = {"threads": float(arguments.threads)}
    result |= time_ratios(encoder, tower, repeats)
    if arguments.bfloat16:
        result |= bfloat16_ratios(encoder, tower, repeats)
    if arguments.methods or arguments.all:
        result |= each_method(encoder, tower, repeats)
    if arguments.together or arguments.all:
        result |= together(encoder, tower, repeats)
    if arguments.windows or arguments.all:
        result |= windows(encoder, repeats)
    if arguments.texts or arguments.all:
        result |= text_cache(20 if arguments.smallest else 1000)
    return result | peaks(arguments.smallest)


def main() -> None:
    parser = options(__doc__, repeats=3)
    parser.add_argument("--bfloat16", action="store_true", help="also time bfloat16")
    parser.add_argument("--methods", action="store_true", help="also time every dense method")
    parser.add_argument("--together", action="store_true", help="also time all methods at once")
    parser.add_argument("--windows", action="store_true", help="also time sliding windows")
    parser.add_argument("--texts", action="store_true", help="also time kept text embeddings")
    parser.add_argument("--all", action="store_true", help="the last four")
    parser.add_argument("--model", default="", help="folder of a CLIP, in place of random weights")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.peak:
        tower = SMALLEST if arguments.smallest else FULL
        sys.stdout.write(f"{measure_peak(arguments.peak, tower)}\n")
        return
    write(figures(arguments), arguments.json)


if __name__ == "__main__":
    main()
