"""The contrastive loss of tiny-clip. It sees one vector per image and one per text, no patch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from vlmscope.tiny.training.clip.feed import ClipBatch

if TYPE_CHECKING:
    from transformers import CLIPModel

__all__ = ["clip_losses", "contrast", "embed_images", "embed_texts"]

_SHARPEST = math.log(100.0)  # CLIP's bound on its logit scale
_NEVER = -1e4  # logit of a pair that is left out; minus infinity would turn gradients into NaN


def embed_images(model: CLIPModel, pixels: torch.Tensor) -> torch.Tensor:
    """float32 (batch, joint), unit length. pixels: (batch, 3, height, width), normalised."""
    pooled = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)
    return functional.normalize(pooled.float(), dim=-1)


def embed_texts(model: CLIPModel, ids: torch.Tensor) -> torch.Tensor:
    """float32 (texts, joint), unit length. ids: int64 (texts, tokens).

    No mask is needed: the tower is causal, and it is read at the end token, before any padding.
    """
    pooled = model.text_projection(model.text_model(input_ids=ids).pooler_output)
    return functional.normalize(pooled.float(), dim=-1)


def clip_losses(model: CLIPModel, batch: ClipBatch) -> dict[str, torch.Tensor]:
    """The loss of a batch, both directions alike, and what is worth a line in the log."""
    images = embed_images(model, batch.pixels)
    texts = embed_texts(model, batch.phrases)
    with torch.autocast(images.device.type, enabled=False):
        scale = model.logit_scale.clamp(max=_SHARPEST).exp()
        logits = scale * texts @ images.T
        find_image = contrast(logits, batch.fitting)
        find_text = contrast(logits.T, batch.fitting.T)
    best = batch.fitting.gather(1, logits.argmax(1, keepdim=True))[:, 0]
    right = best[batch.fitting.any(1)].float().mean()
    return {
        "loss": 0.5 * (find_image + find_text),
        "find_image": find_image,
        "find_text": find_text,
        "right": right,
        "scale": scale,
    }


def contrast(logits: torch.Tensor, fitting: torch.Tensor) -> torch.Tensor:
    """InfoNCE with several right answers.

    Each right answer stands against all wrong ones; right answers do not compete. With s the
    logits of a row, P its right and N its wrong columns:
    ``mean over p in P of -log(exp(s_p) / (exp(s_p) + sum over n in N of exp(s_n)))``,
    averaged over the rows that have a right answer.

    Args:
        logits: float32 (rows, columns).
        fitting: bool, the same shape.
    """
    wrong = logits.masked_fill(fitting, _NEVER).logsumexp(dim=1, keepdim=True)
    each = functional.softplus(wrong - logits) * fitting
    count = fitting.sum(1)
    return (each.sum(1) / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)
