"""Text embeddings of phrases under prompt templates, averaged and cached."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmscope.errors import UnknownNameError
from vlmscope.methods.dense.options import TEMPLATE_SETS
from vlmscope.models import DualEncoder

__all__ = ["phrase_embeddings", "template_texts"]

_PHRASES_AT_A_TIME = 64  # a thousand phrases in 80 templates are never stacked at once


def template_texts(name: str) -> tuple[str, ...]:
    """The templates of a set, each with one ``{}``."""
    if name == "none":
        return ("{}",)
    if name == "photo":
        return ("a photo of a {}.",)
    if name == "imagenet":
        return _imagenet()
    raise UnknownNameError("template set", name, TEMPLATE_SETS)


@cache
def _imagenet() -> tuple[str, ...]:
    path = Path(__file__).with_name("imagenet_templates.json")
    return tuple(json.loads(path.read_text(encoding="utf-8")))


def phrase_embeddings(encoder: DualEncoder, phrases: Sequence[str], templates: str) -> Tensor:
    """Unit vectors (phrases, joint): the mean of each phrase's unit vectors over the templates.

    A classifier's labels are taken as they are, whatever the templates.
    """
    texts = template_texts(templates if encoder.family.templates else "none")
    parts = []
    for start in range(0, len(phrases), _PHRASES_AT_A_TIME):
        some = phrases[start : start + _PHRASES_AT_A_TIME]
        # not str.format: a phrase with braces is a phrase
        filled = [template.replace("{}", phrase) for phrase in some for template in texts]
        each = encoder.text_embeddings(filled).unflatten(0, (len(some), len(texts)))
        parts.append(F.normalize(each.mean(dim=1), dim=-1))
    return torch.cat(parts)
