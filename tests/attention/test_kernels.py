"""The instrumented twins: they are the kernels themselves, but for what the probe says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from vlmscope.attention.kernels import PROBE, instrumented_name
from vlmscope.errors import UnsupportedError

BATCH, HEADS, QUERIES, DIM = 2, 3, 4, 5


class Attention(nn.Module):
    """As much of an attention module as the kernels ask for."""

    is_causal = False
    training = False


def eager_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """This file's eager kernel, as each of transformers' modelling files has its own."""
    logits = query @ key.transpose(-1, -2) * kwargs["scaling"]
    if attention_mask is not None:
        logits = logits.masked_fill(~attention_mask, -torch.inf)
    weights = logits.softmax(-1)
    return (weights @ value).transpose(1, 2), weights


@pytest.fixture(params=["sdpa", "eager"])
def kernel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def qkv() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, BATCH, HEADS, QUERIES, DIM)
    return query, key, value


def run(name: str, module: nn.Module, mask: Tensor | None = None) -> Any:
    return ALL_ATTENTION_FUNCTIONS[name](module, *qkv(), mask, scaling=0.3)


def expected(mask: Tensor | None = None) -> Tensor:
    return eager_attention_forward(nn.Module(), *qkv(), mask, scaling=0.3)[0]


def test_a_twin_is_registered_with_the_mask_of_its_kernel(kernel: str) -> None:
    name = instrumented_name(kernel)
    assert name == f"vlmscope_{kernel}" == instrumented_name(kernel)
    assert name in ALL_ATTENTION_FUNCTIONS.valid_keys()
    assert ALL_MASK_ATTENTION_FUNCTIONS[name] is ALL_MASK_ATTENTION_FUNCTIONS[kernel]


def test_a_model_that_names_no_kernel_runs_eager() -> None:
    assert instrumented_name(None) == "vlmscope_eager"


def test_a_kernel_whose_masks_are_not_known_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'flash_attention_2'; rows can be read.*sdpa and"):
        instrumented_name("flash_attention_2")


def test_without_a_probe_the_twin_is_the_kernel(kernel: str) -> None:
    output, _ = run(instrumented_name(kernel), Attention())
    torch.testing.assert_close(output, expected())


def test_the_probe_sees_the_arguments_and_gives_the_mask(kernel: str) -> None:
    module, mask = Attention(), torch.ones(BATCH, 1, QUERIES, QUERIES, dtype=torch.bool).tril()
    calls = []

    def probe(*arguments: Any) -> tuple[Tensor, None]:
        calls.append(arguments)
        return mask, None

    module.__dict__[PROBE] = probe
    output, weights = run(instrumented_name(kernel), module)
    torch.testing.assert_close(output, expected(mask))
    assert (weights is None) == (kernel == "sdpa")
    [(seen, query, key, before, options)] = calls
    assert seen is module and before is None and options["scaling"] == 0.3
    assert torch.equal(query, qkv()[0]) and torch.equal(key, qkv()[1])


@pytest.mark.parametrize("shape", [(BATCH, HEADS), (1, 1)])
def test_rows_that_are_left_without_a_key_come_out_as_zeros(
    kernel: str, shape: tuple[int, int]
) -> None:
    module = Attention()
    empty = torch.rand((*shape, QUERIES), generator=torch.Generator().manual_seed(0)) > 0.5
    module.__dict__[PROBE] = lambda *_: (None, empty)
    output, _ = run(instrumented_name(kernel), module)
    whole = expected()
    assert 0 < int(empty.sum()) < empty.numel()
    for item in range(BATCH):
        for head in range(HEADS):
            for row in range(QUERIES):
                nothing = bool(empty.expand(BATCH, HEADS, -1)[item, head, row])
                right = torch.zeros(DIM) if nothing else whole[item, row, head]
                torch.testing.assert_close(output[item, row, head], right)
