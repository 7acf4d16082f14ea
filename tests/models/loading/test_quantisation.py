"""Quantisation that a configuration does not know of is told by layers and weights, and recorded."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

import vlmscope as vs
from families import llava
from vlmscope.analysis.record import run_record
from vlmscope.heads.choice import head_cautions
from vlmscope.heads.choice import quantised as quantised_record
from vlmscope.models.loading.quantisation import quantisation_of
from vlmscope.types import HeadSet


def test_a_model_quantised_on_the_fly_by_torch() -> None:
    plain = nn.Sequential(nn.Linear(4, 4))
    assert quantisation_of(plain) is None
    dynamic = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, dtype=torch.qint8)
    assert quantisation_of(dynamic) == "dynamic int8"


@pytest.mark.parametrize(
    ("module", "scheme"),
    [
        ("torchao.quantization.linear", "torchao"),
        ("optimum.quanto.nn.qlinear", "quanto"),
        ("bitsandbytes.nn.modules", "bitsandbytes"),
        ("torchaolike.nn", None),
    ],
)
def test_layers_of_packages(module: str, scheme: str | None) -> None:
    layer = type("QLinear", (nn.Linear,), {"__module__": module})
    assert quantisation_of(nn.Sequential(layer(4, 4))) == scheme


def test_a_tensor_of_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "torchao.dtypes"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    kind = type("Packed", (torch.Tensor,), {"__module__": name})
    model = nn.Linear(4, 4)
    model.weight = nn.Parameter(torch.zeros(4, 4).as_subclass(kind), requires_grad=False)
    assert quantisation_of(model) == "torchao"


def quantised(scheme: dict[str, Any] | None) -> Any:
    model = llava()
    if scheme is not None:
        model.hf.config.quantization_config = scheme
    return vs.from_pretrained_model(model.hf, model.processor)


def test_runs_and_heads_have_it_on_record() -> None:
    model, plain = quantised({"quant_method": "awq", "bits": 4}), quantised(None)
    assert run_record(model)["quantisation"] == "awq 4-bit"
    assert "quantisation" not in run_record(plain)
    assert quantised_record(model) == {"quantisation": "awq 4-bit"}
    assert quantised_record(plain) == {}


def test_heads_of_other_weights_are_cautioned_of() -> None:
    model = quantised({"quant_method": "awq", "bits": 4})
    for scheme, words in (("fp8", "by fp8, .* by awq 4-bit"), (None, "were full, .* by awq 4-bit")):
        options = {} if scheme is None else {"quantisation": scheme}
        heads = HeadSet((), model.id, source="discovered", options=options)
        (caution,) = head_cautions(heads, model, heads.rows, None)
        assert re.search(words, caution)
    heads = HeadSet((), model.id, source="discovered", options={"quantisation": "awq 4-bit"})
    assert head_cautions(heads, model, heads.rows, None) == ()
