"""The losses of the joint stage. None of them looks at attention."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.model.tokenizer import vocabulary
from vlmscope.tiny.training.feed import Batch
from vlmscope.tiny.training.linear_probes import patch_targets
from vlmscope.tiny.training.packing import block_mask, positions, prefix_ids
from vlmscope.tiny.world.words import ATTRIBUTES, PATTERNS, TONES

if TYPE_CHECKING:
    from transformers import LlavaForConditionalGeneration

__all__ = ["Forward", "align_loss", "answer_loss", "packed_forward"]


@dataclass(frozen=True, eq=False)
class Forward:
    """What a packed forward pass leaves behind.

    Attributes:
        logits: (batch, text, words), row t predicts token t + 1.
        features: (batch, patches, vision_width), what the projector reads.
        projected: (batch, patches, text_width), what the decoder reads.
        decoded: (batch, patches, text_width), what the decoder makes of it.
    """

    logits: torch.Tensor
    features: torch.Tensor
    projected: torch.Tensor
    decoded: torch.Tensor


def packed_forward(
    model: LlavaForConditionalGeneration,
    pixels: torch.Tensor,
    text: torch.Tensor,
    system: bool = True,
) -> Forward:
    """The model's own modules on packed texts: the same numbers as one exchange at a time.

    Args:
        model: the model.
        pixels: (batch, 3, height, width).
        text: int64 (batch, 4, text), see ``packing.FIELDS``.
        system: whether the system sentence comes first.
    """
    inner = model.model
    features = inner.vision_tower(pixels).last_hidden_state[:, 1:]
    projected = inner.multi_modal_projector(features)
    embed = inner.language_model.embed_tokens
    count = projected.shape[1]
    before = _before(system, pixels.device)
    words = embed(text[:, 0])
    parts = [embed(before).expand(len(text), -1, -1), projected.to(words.dtype), words]
    prefix = len(before) + count
    mask = block_mask(text[:, 1], prefix)
    if inner.language_model.config._attn_implementation != "sdpa":
        # eager attention ADDS its mask: a boolean one would block nothing, without a word
        mask = torch.zeros_like(mask, dtype=words.dtype).masked_fill(~mask, -1e9)
    hidden = inner.language_model(
        inputs_embeds=torch.cat(parts, dim=1),
        attention_mask=mask,
        position_ids=positions(text[:, 2], prefix),
        use_cache=False,
    ).last_hidden_state
    logits = model.lm_head(hidden[:, prefix:])
    return Forward(logits, features, projected, hidden[:, prefix - count : prefix])


def answer_loss(logits: torch.Tensor, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted cross-entropy of the answers, and the share of their full-weight words right."""
    targets, weight = text[:, 0, 1:], text[:, 3, 1:].float() / 100
    guesses = logits[:, :-1].float()
    loss = functional.cross_entropy(guesses.transpose(1, 2), targets, reduction="none")
    content = (weight == 1).float()
    right = ((guesses.argmax(-1) == targets) * content).sum() / content.sum()
    return (weight * loss).sum() / weight.sum(), right


def align_loss(
    projected: torch.Tensor, embeddings: torch.Tensor, batch: Batch, shape: Shape
) -> torch.Tensor:
    """Projected patches against the words that are true of them, group by group.

    A patch of an object must be closer to ``red`` than to the other colours, and so on; a patch of
    the background likewise to its pattern and tone.

    Args:
        projected: (batch, patches, text_width), before or after the decoder.
        embeddings: (words, text_width).
        batch: the labels.
        shape: of the model.
    """
    classes, _, weight = patch_targets(batch, shape)
    total = projected.new_zeros((), dtype=torch.float32)
    for index, words in enumerate(ATTRIBUTES.values()):
        labels = classes[..., index] - 1
        kept = (labels >= 0) * weight
        total = total + _closest(projected, embeddings, words, labels.clamp(min=0), kept)
    ground = (classes[..., 0] == 0) * weight
    for index, words in enumerate((PATTERNS, TONES)):
        labels = batch.grounds[:, index, None].expand_as(ground)
        total = total + _closest(projected, embeddings, words, labels, ground)
    return total


def _closest(
    projected: torch.Tensor,
    embeddings: torch.Tensor,
    words: tuple[str, ...],
    labels: torch.Tensor,
    weight: torch.Tensor,
) -> torch.Tensor:
    chosen = embeddings[_ids(words, projected.device)]
    logits = (projected @ chosen.to(projected.dtype).T).float()
    loss = functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return (weight * loss).sum() / weight.sum().clamp(min=1.0)


# Ids are kept on the device: a copy from the host in every step would make it wait for the GPU.
@functools.lru_cache(maxsize=64)
def _ids(words: tuple[str, ...], device: torch.device) -> torch.Tensor:
    table = {word: index for index, word in enumerate(vocabulary())}
    return torch.tensor([table[word] for word in words], device=device)


@functools.lru_cache(maxsize=8)
def _before(system: bool, device: torch.device) -> torch.Tensor:
    """Ids of everything before the image."""
    table = {word: index for index, word in enumerate(vocabulary())}
    return torch.tensor(prefix_ids(table, 0, system), device=device)
