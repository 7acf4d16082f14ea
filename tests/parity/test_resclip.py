"""ResCLIP's residual attention against plain matrices, on every family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from naive_middle import resclip, tower_of
from test_self_proxy import FAMILIES, values_for

from dual_families import clip
from vlmscope.errors import BadOptionError
from vlmscope.methods import get_method
from vlmscope.methods.encoder import dense_tokens

METHOD = get_method("resclip")
CASES: dict[str, tuple[dict[str, Any], range]] = {
    "program": ({}, range(2, 4)),
    "paper": ({"gain": 1.0, "share": 0.7, "window_std": 2.0}, range(2, 4)),
    "clearclip": ({"base": "clearclip", "first_layer": 1, "last_layer": 1}, range(1, 2)),
    "middle-alone": ({"share": 1.0, "first_layer": 1}, range(1, 4)),
}


@pytest.mark.parametrize("grid", [(4, 4), (3, 7)])
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_equals_the_formula(family: str, case: str, grid: tuple[int, int]) -> None:
    options, layers = CASES[case]
    encoder = FAMILIES[family]()
    values = values_for(encoder, grid)
    o = {"share": 0.4, "gain": 2.0, "base": "naclip", "window_std": 5.0, **options}
    found = dense_tokens(encoder, values, grid, METHOD, METHOD.options(**options)).patches[0]
    expected = resclip(
        tower_of(encoder, values, grid), layers, o["share"], o["gain"], o["base"], o["window_std"]
    )
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("base", "same"), [("naclip", "naclip"), ("clearclip", "clearclip")])
def test_without_the_residual_it_is_the_method_it_is_built_on(base: str, same: str) -> None:
    encoder, grid = clip(), (3, 5)
    values = values_for(encoder, grid)
    options = METHOD.options(share=0.0, gain=1.0, base=base)
    found = dense_tokens(encoder, values, grid, METHOD, options).patches
    plain = get_method(same)
    expected = dense_tokens(encoder, values, grid, plain, plain.options()).patches
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_blocks_of_the_published_program() -> None:
    assert METHOD.path(METHOD.options(), 12).watches == (5, 6, 7, 8)  # the 6th to the 9th
    with pytest.raises(BadOptionError, match="start with 5 and end with 4"):
        METHOD.path(METHOD.options(first_layer=5, last_layer=4), 12)
    with pytest.raises(BadOptionError, match="last_layer lies between 1 and 11, got 12"):
        METHOD.path(METHOD.options(last_layer=12), 12)
