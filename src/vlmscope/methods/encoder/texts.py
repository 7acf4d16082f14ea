"""Text embeddings of phrases under prompt templates, and what the text side makes of the words.

Some words it does not know, and some it cannot tell apart. A map comes out either way, so without a word
about it the first of two classes that are read alike takes all of their pixels, and a word that the
model never learned points somewhere like any other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmscope.errors import UnknownNameError, quoted
from vlmscope.methods.encoder.options import TEMPLATE_SETS
from vlmscope.models import DualEncoder

__all__ = [
    "alike_caution",
    "filled",
    "phrase_embeddings",
    "read_alike",
    "template_texts",
    "unknown_caution",
]

_SAME = 1e-4  # between unit vectors; padding in a batch moves the same text by about 1e-6

_PHRASES_AT_A_TIME = 64  # a thousand phrases in 80 templates are never stacked at once


def phrase_embeddings(
    encoder: DualEncoder, phrases: Sequence[str], templates: str, *, keep: bool = True
) -> Tensor:
    """Unit vectors (phrases, joint): the mean of each phrase's unit vectors over the templates.

    A classifier's labels are taken as they are, whatever the templates.

    Args:
        encoder: the model.
        phrases: what is embedded.
        templates: id of a set of templates.
        keep: as for :meth:`DualEncoder.text_embeddings`.
    """
    used = templates if encoder.family.templates else "none"
    parts = []
    for start in range(0, len(phrases), _PHRASES_AT_A_TIME):
        some = phrases[start : start + _PHRASES_AT_A_TIME]
        texts = [text for phrase in some for text in filled(phrase, used)]
        each = encoder.text_embeddings(texts, keep=keep).unflatten(0, (len(some), -1))
        parts.append(F.normalize(each.mean(dim=1), dim=-1))
    return torch.cat(parts)


def filled(phrase: str, templates: str) -> tuple[str, ...]:
    """A phrase in every template of a set."""
    # not str.format: a phrase with braces is a phrase
    return tuple(template.replace("{}", phrase) for template in template_texts(templates))


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


def read_alike(vectors: Tensor, owners: Sequence[int]) -> list[tuple[int, ...]]:
    """Groups of owners that have texts with the same embedding, each ascending, first owner first.

    Args:
        vectors: unit vectors (texts, joint).
        owners: whose every text is; texts of one owner may be alike.
    """
    values = vectors.detach().double().cpu()
    # the same vectors are neighbours along any direction: no product of all with all, which 65,535
    # classes would make long
    direction = torch.arange(1, values.shape[1] + 1, dtype=torch.float64).square().cos()
    order = (values @ direction).argsort(stable=True)
    same = (values[order[1:]] - values[order[:-1]]).norm(dim=1) < _SAME
    runs: list[set[int]] = [set()]
    for text, goes_on in zip(order.tolist(), [True, *same.tolist()], strict=True):
        if not goes_on:
            runs.append(set())
        runs[-1].add(owners[text])
    return sorted({tuple(sorted(run)) for run in runs if len(run) > 1})


def alike_caution(encoder: DualEncoder, names: Sequence[str], effect: str) -> str:
    """A sentence about names that a model reads alike.

    Args:
        encoder: the model.
        names: two or more.
        effect: what that does to the result, a clause.
    """
    return f"{encoder.id} reads {quoted(names)} alike and cannot tell them apart: {effect}."


def unknown_caution(encoder: DualEncoder, texts: Sequence[str]) -> tuple[str, ...]:
    """A sentence about the words that a model's vocabulary lacks; none where it knows all."""
    words = encoder.family.unknown_words(encoder.processor, texts)
    if not words:
        return ()
    return (f"The vocabulary of {encoder.id} lacks {quoted(words)}: read as 'unknown'.",)
