"""The vision towers of the benchmarks: a CLIP of a shape with random weights, or one that is loaded.

Speed does not depend on the weights, but for what looks for something in them (outliers, a temperature).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from measure import busy_seconds
from numpy.typing import NDArray

import vlmscope as vs
from vlmscope.models import DualEncoder

__all__ = ["FULL", "PATCH", "SMALLEST", "Tower", "build", "loaded", "product_rate", "random_pixels"]

PATCH = 16


@dataclass(frozen=True)
class Tower:
    """A CLIP over patches of 16 pixels; the joint space is as wide as the text tower."""

    layers: int = 12
    hidden: int = 768
    heads: int = 12
    side: int = 448
    text_hidden: int = 512
    text_heads: int = 8
    text_layers: int = 12

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of patches."""
        return self.side // PATCH, self.side // PATCH

    @property
    def tokens(self) -> int:
        """Patches and the class token."""
        return self.grid[0] * self.grid[1] + 1


FULL = Tower()
"""ViT-B/16 at 448x448."""

SMALLEST = Tower(
    layers=7, hidden=64, heads=4, side=224, text_hidden=32, text_heads=4, text_layers=2
)
"""One block below those that GEM reads, and enough tokens for memory to be seen."""


def build(tower: Tower) -> DualEncoder:
    """A random CLIP of ``tower``'s shape with its text tower."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        CLIPConfig,
        CLIPImageProcessorPil,
        CLIPModel,
        CLIPProcessor,
        PreTrainedTokenizerFast,
    )

    torch.manual_seed(0)
    config = CLIPConfig(
        vision_config={
            "hidden_size": tower.hidden,
            "intermediate_size": 4 * tower.hidden,
            "num_hidden_layers": tower.layers,
            "num_attention_heads": tower.heads,
            "image_size": 224,
            "patch_size": PATCH,
        },
        text_config={
            "hidden_size": tower.text_hidden,
            "intermediate_size": 4 * tower.text_hidden,
            "num_hidden_layers": tower.text_layers,
            "num_attention_heads": tower.text_heads,
            "vocab_size": 49408,
            "eos_token_id": 1,
        },
        projection_dim=tower.text_hidden,
    )
    words = ["<unk>", "<eos>", *["a", "photo", "of", "cat", "dog", "."]]
    inner = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    )
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing("$A <eos>", special_tokens=[("<eos>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>", pad_token="<eos>"
    )
    model = CLIPModel(config).eval()
    processor = CLIPProcessor(CLIPImageProcessorPil(), tokenizer)
    encoder = vs.from_pretrained_model(model, processor, name="random-vit-b16")
    assert isinstance(encoder, DualEncoder)
    return encoder


def loaded(folder: str, side: int) -> tuple[DualEncoder, Tower]:
    """A CLIP from a folder, in float32, and its shape on images of ``side`` pixels."""
    encoder = vs.load(folder, dtype="float32")
    assert isinstance(encoder, DualEncoder)
    config = encoder.family.vision_config(encoder.hf)
    if encoder.family.id != "clip" or config.patch_size != PATCH:
        raise SystemExit(f"{folder} is no CLIP with patches of {PATCH} pixels.")
    tower = Tower(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        side=side,
        text_hidden=int(encoder.hf.config.projection_dim),
    )
    return encoder, tower


def random_pixels(height: int, width: int) -> NDArray[np.uint8]:
    """An image of noise, uint8 (height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def product_rate(tower: Tower, rounds: int = 20) -> float:
    """Operations per second of large matrix products: the best of the tower's shapes, eight images deep.

    With 20 rounds each is sustained over as long as a pass takes: the clock of a busy machine falls
    after the first moments.
    """
    dim, wide = tower.hidden, 4 * tower.hidden
    shapes = ((dim, wide), (wide, dim), (dim, dim))
    return max(_rate_of(tower, inner, outer, rounds) for inner, outer in shapes)


def _rate_of(tower: Tower, inner: int, outer: int, rounds: int) -> float:
    a, b = torch.randn(8 * tower.tokens, inner), torch.randn(outer, inner)
    F.linear(a, b)
    times = rounds * 4 * tower.hidden**2 // b.numel()

    def products() -> None:
        for _ in range(times):
            F.linear(a, b)

    return times * 2 * a.shape[0] * b.numel() / busy_seconds(products)
