"""Methods that share a pass yield what each yields alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dual_families import DUAL
from vlmscope.errors import BadOptionError
from vlmscope.evaluation.entrants.configured_methods import choose, configure_methods
from vlmscope.methods import get_method, methods
from vlmscope.methods.encoder import DenseMethod, DenseTokens, dense_tokens, tokens_of_methods
from vlmscope.models import DualEncoder

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)


def pairs(model: DualEncoder) -> list[tuple[Any, Any]]:
    """Every dense method, and two more settings of gem."""
    ids = [m.id for m in methods() if isinstance(m, DenseMethod) and m.accepts(model)]
    options = {
        "gem@flat": {"iterations": 0, "temperature": "constant"},
        "gem@p": {"temperature": "perplexity", "depth": 2, "projections": "kv"},
    }
    runs = configure_methods(model, choose([*ids, *options], options))
    return [(run.method, run.options) for run in runs]


def shared(model: DualEncoder, side: int, runs: list[tuple[Any, Any]]) -> list[DenseTokens]:
    fitted = model.fit(PIXELS, side)
    return tokens_of_methods(model, fitted.values, fitted.grid, runs, pooled=True)


@pytest.mark.parametrize("family", DUAL)
def test_tokens_are_those_of_each_method_alone(family: str) -> None:
    model = DUAL[family]()
    fitted = model.fit(PIXELS, 32)
    runs = pairs(model)
    assert len(runs) >= 9
    for (method, options), found in zip(runs, shared(model, 32, runs), strict=True):
        alone = dense_tokens(model, fitted.values, fitted.grid, method, options, pooled=True)
        assert torch.allclose(found.patches, alone.patches, atol=1e-6), method.id
        assert found.pooled is not None and alone.pooled is not None
        assert torch.allclose(found.pooled, alone.pooled, atol=1e-6)


def test_the_model_is_as_it_was() -> None:
    model = DUAL["clip"]()
    before = {name: value.clone() for name, value in model.hf.state_dict().items()}
    model.hf.train()
    shared(model, 32, pairs(model))
    assert model.hf.training
    assert all(torch.equal(value, before[name]) for name, value in model.hf.state_dict().items())


def test_a_path_deeper_than_the_tower_is_refused() -> None:
    class Deep(type(get_method("gem"))):  # type: ignore[misc]
        def path(self, options: Any, blocks: int) -> Any:
            from vlmscope.methods.encoder import DensePath

            return DensePath(9, True, False)

    model = DUAL["clip"]()
    with pytest.raises(BadOptionError, match="4 blocks; gem was asked for 9"):
        shared(model, 32, [(Deep(), get_method("gem").options())])
