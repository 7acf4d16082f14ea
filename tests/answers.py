"""A model that gives the answer it is told to: generation itself runs, only its choices are made."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from transformers import LogitsProcessor

from lvlms import qwen_vl
from vlmscope.models import LoadedModel

__all__ = ["Dictated", "dictated", "talker"]


@cache
def talker(generation: str = "2") -> LoadedModel:
    """A tiny Qwen-VL whose vocabulary can write boxes; tests must leave it as it was."""
    make = {"2": qwen_vl.qwen2_vl, "2.5": qwen_vl.qwen25_vl}[generation]
    return make(words=qwen_vl.answering())


class Dictated(LogitsProcessor):
    """Lets a model generate one sequence of ids."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.start: int | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self.start is None:
            self.start = input_ids.shape[1]
        wanted = self.ids[input_ids.shape[1] - self.start]
        only = torch.full_like(scores, float("-inf"))
        only[:, wanted] = 0.0
        return only


def dictated(model: LoadedModel, answer: str) -> dict[str, Any]:
    """Options of ``vs.generate`` under which the model answers with exactly this text."""
    ids = model.processor.tokenizer(answer, add_special_tokens=False).input_ids
    assert model.processor.tokenizer.unk_token_id not in ids, "the vocabulary cannot write this"
    return {"max_new_tokens": len(ids), "logits_processor": [Dictated(ids)]}
