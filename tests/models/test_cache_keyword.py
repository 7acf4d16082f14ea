"""A cache reaches a forward pass under the name that the pass has for it, in every release."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import modeling_outputs

from vlmscope.models.cache_keyword import cache_given, cache_keyword, with_cache


class New(nn.Module):
    def forward(self, input_ids: Any, cache: Any = None, **options: Any) -> Any:
        return cache


class Old(nn.Module):
    def forward(self, input_ids: Any, past_key_values: Any = None, **options: Any) -> Any:
        return past_key_values


class Neither(nn.Module):
    def forward(self, *args: Any, **options: Any) -> Any:
        return cache_given(options)


@pytest.mark.parametrize("kind", [New, Old, Neither])
def test_the_cache_arrives(kind: type[nn.Module]) -> None:
    module, cache = kind(), object()
    assert module(torch.zeros(1), **with_cache(module, cache)) is cache


def test_what_names_neither_gets_the_word_of_the_installed_release() -> None:
    fields = modeling_outputs.BaseModelOutputWithPast.__dataclass_fields__
    assert cache_keyword(Neither) in fields


def test_either_name_is_read() -> None:
    cache = object()
    assert cache_given({"cache": cache}) is cache
    assert cache_given({"past_key_values": cache, "cache": None}) is cache
    assert cache_given({"use_cache": True}) is None
