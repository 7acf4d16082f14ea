"""All dense methods on one tower: each against the bare tower, and what they share.

Used by ``gem.py``, which says what is measured.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from measure import busy_seconds, interleaved, median_ratio
from operations import method_operations
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from vision_towers import Tower, build, product_rate, random_pixels

import vlmscope as vs
from vlmscope.methods import methods
from vlmscope.methods.encoder import DenseMethod, DenseTokens, dense_tokens, tokens_of_methods
from vlmscope.methods.encoder.protocols import find_protocol
from vlmscope.methods.encoder.sliding import SlidingWindows
from vlmscope.methods.encoder.text_cache import kept_embeddings
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.recent_texts import RecentTexts

__all__ = ["each_method", "text_cache", "together", "windows"]

TEXTS = Tower(layers=2, hidden=64, heads=4, side=32, text_hidden=64, text_heads=4, text_layers=2)
"""For the text cache: as small as leaves something to measure, for 80,000 texts."""


def dense_methods(encoder: DualEncoder) -> list[DenseMethod]:
    """Those that run on an encoder without anything else."""
    return [m for m in methods() if isinstance(m, DenseMethod) and m.accepts(encoder)]


def each_method(encoder: DualEncoder, tower: Tower, repeats: int) -> dict[str, float]:
    """Every method on one image, its image embedding included, and the bare tower before each.

    The plain way of a method is its own formula over explicit matrices of attention.
    """
    values = torch.randn(1, 3, tower.side, tower.side, generator=torch.Generator().manual_seed(1))
    chosen = dense_methods(encoder)
    jobs: dict[str, Callable[[], object]] = {}
    for method in chosen:
        jobs[f"bare {method.id}"] = lambda: bare(encoder, values)
        jobs[f"fast {method.id}"] = lambda m=method: tokens(encoder, values, tower, m)
        jobs[f"plain {method.id}"] = lambda m=method: plain_tokens(encoder, values, tower, m)
    difference = max(apart(encoder, values, tower, method) for method in chosen)  # and warms up
    rates = [product_rate(tower, 4)]
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, of_round in interleaved(jobs, 1).items():
            taken[name] += of_round
        rates.append(product_rate(tower, 4))
    around = [(before + after) / 2 for before, after in pairwise(rates)]
    result = {"largest_difference_of_methods": difference}
    for method in chosen:
        fast, operations = taken[f"fast {method.id}"], method_operations(tower, method.id)
        path = method.path(method.options(), tower.layers)
        result |= {
            f"{method.id}_changes_blocks": float(path.depth),
            f"{method.id}_seconds": statistics.median(fast),
            f"{method.id}_gigaoperations": operations / 1e9,
            f"{method.id}_over_bare": median_ratio(fast, taken[f"bare {method.id}"]),
            f"{method.id}_over_plain": median_ratio(fast, taken[f"plain {method.id}"]),
            f"{method.id}_over_counted": median_ratio(fast, [operations / rate for rate in around]),
        }
    return result


def bare(encoder: DualEncoder, values: Tensor) -> Tensor:
    """The image embedding, by the code and the fast kernel of transformers."""
    with torch.no_grad():
        vision = encoder.hf.vision_model(pixel_values=values, interpolate_pos_encoding=True)
        embedded: Tensor = encoder.hf.visual_projection(vision.pooler_output)
        return embedded


def tokens(encoder: DualEncoder, values: Tensor, tower: Tower, method: DenseMethod) -> DenseTokens:
    """By vlmscope, the image embedding with it."""
    return dense_tokens(encoder, values, tower.grid, method, method.options(), pooled=True)


def plain_tokens(
    encoder: DualEncoder, values: Tensor, tower: Tower, method: DenseMethod
) -> DenseTokens:
    """The same by explicit matrices of attention."""
    with sdpa_kernel(SDPBackend.MATH):
        return tokens(encoder, values, tower, method)


def apart(encoder: DualEncoder, values: Tensor, tower: Tower, method: DenseMethod) -> float:
    """Largest difference of the patches both ways, and of the image embedding from the bare tower's.

    As a share of the largest value.
    """
    fast = tokens(encoder, values, tower, method)
    plain = plain_tokens(encoder, values, tower, method)
    assert fast.pooled is not None
    pairs = ((fast.patches, plain.patches), (fast.pooled, bare(encoder, values)))
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def together(encoder: DualEncoder, tower: Tower, repeats: int) -> dict[str, float]:
    """All of them at once over one after the other, image fitting and answers included."""
    side, phrases = tower.side, ["a cat", "a dog"]
    pixels = random_pixels(side, side)
    names = [method.id for method in dense_methods(encoder)]
    jobs: dict[str, Callable[[], object]] = {
        "once": lambda: vs.compare_methods(encoder, pixels, phrases, methods=names, side=side),
        "each": lambda: [vs.ground(encoder, pixels, phrases, n, side=side) for n in names],
    }
    taken = interleaved(jobs, repeats)
    return {
        "methods": float(len(names)),
        "methods_together": median_ratio(taken["once"], taken["each"]),
    }


def windows(encoder: DualEncoder, repeats: int) -> dict[str, float]:
    """The windows of ``--protocol field`` on a photograph's size by gem, in batches over one by one."""
    pixels, method = random_pixels(375, 500), next(iter(dense_methods(encoder)))
    field = find_protocol("field")
    sliding = SlidingWindows.over((375, 500), encoder.patch, field.side, field.window, field.stride)
    runs: list[tuple[Any, Any]] = [(method, method.options())]

    def seen(patches_at_a_time: int) -> Tensor:
        parts = sliding.cut(encoder, pixels, patches_at_a_time)
        passes = [tokens_of_methods(encoder, v, sliding.grid, runs, pooled=True) for v in parts]
        return torch.cat([one[0].patches for one in passes])

    difference = float((seen(4096) - seen(1)).abs().max() / seen(1).abs().max())
    jobs = {"batched": lambda: seen(4096), "one by one": lambda: seen(1)}
    taken = interleaved(jobs, repeats)
    return {
        "windows": float(len(sliding)),
        "windows_batched": median_ratio(taken["batched"], taken["one by one"]),
        "largest_difference_of_windows": difference,
    }


def text_cache(words: int) -> dict[str, float]:
    """So many words under 80 templates on a small text tower: the first call and one after it."""
    names = [f"thing {number}" for number in range(words)]
    kept: list[Tensor] = []
    with _own_home():
        encoder = replace(build(TEXTS), revision="of the benchmark")  # without one nothing is kept
        first = busy_seconds(lambda: kept.append(kept_embeddings(encoder, names, "imagenet")))
        encoder = replace(encoder, _texts=RecentTexts())  # as another process would find it
        again = busy_seconds(lambda: kept.append(kept_embeddings(encoder, names, "imagenet")))
    return {
        "texts": 80.0 * words,
        "texts_first_seconds": first,
        "texts_again_seconds": again,
        "largest_difference_of_texts": float((kept[0] - kept[1]).abs().max()),
    }


@contextmanager
def _own_home() -> Iterator[None]:
    """A folder of its own for what is kept between calls."""
    before = os.environ.get("VLMSCOPE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VLMSCOPE_HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["VLMSCOPE_HOME"]
            else:
                os.environ["VLMSCOPE_HOME"] = before
