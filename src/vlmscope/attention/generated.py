"""What a model answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from vlmscope.markup import one_line, shorten
from vlmscope.models import LoadedModel
from vlmscope.types import Role, TokenMap

__all__ = ["Generation", "generation_of"]


@dataclass(frozen=True, eq=False)
class Generation:
    """What a model answered.

    Attributes:
        text: the answer, special tokens left out.
        ids: int64 (generated,), the end token included when it was reached.
        token_map: of prompt and answer.
    """

    text: str
    ids: torch.Tensor
    token_map: TokenMap

    def __repr__(self) -> str:
        return one_line(self, f"{shorten(self.text, 200)!r}", f"{len(self.ids)} tokens")


def generation_of(model: LoadedModel, ids: torch.Tensor, token_map: TokenMap) -> Generation:
    """An answer from its ids, int64 (generated,), and the token map of its prompt."""
    tokenizer = model.processor.tokenizer
    text = tokenizer.decode(ids, skip_special_tokens=True).strip()
    return Generation(text, ids, _extended(token_map, ids, tokenizer))


def _extended(token_map: TokenMap, ids: torch.Tensor, tokenizer: Any) -> TokenMap:
    words = tuple(tokenizer.decode([token]) for token in ids.tolist())
    roles = np.concatenate([token_map.roles, np.full(len(ids), Role.GENERATED, dtype=np.int8)])
    return replace(token_map, roles=roles, tokens=token_map.tokens + words)
