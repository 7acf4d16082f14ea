"""SC-CLIP against plain loops, on every family, each of its parts alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from naive_middle import sc_clip, tower_of
from test_self_proxy import FAMILIES, values_for

from dual_families import clip
from vlmscope.errors import BadOptionError
from vlmscope.methods import get_method
from vlmscope.methods.encoder import dense_tokens

METHOD = get_method("sc-clip")
NOTHING = {"outliers": 0.0, "aggregate": False, "multi_level": False, "attention": "keys"}
CASES: dict[str, tuple[dict[str, Any], tuple[int, int, int, int]]] = {
    "program": ({"neighbours": 5}, (3, 1, 1, 3)),
    "keys": (NOTHING, (3, 1, 1, 3)),
    "outliers": ({**NOTHING, "outliers": 0.3, "neighbours": 4}, (3, 1, 1, 3)),
    "lof": ({**NOTHING, "outliers": 0.2, "neighbours": 3, "factor": "lof"}, (3, 1, 1, 3)),
    "attention": ({**NOTHING, "attention": "sum", "middle": 1}, (1, 1, 1, 3)),
    "aggregate": ({**NOTHING, "aggregate": True, "similar": 0.1, "early": 2}, (3, 2, 1, 3)),
    "levels": ({**NOTHING, "multi_level": True, "first_level": 2, "last_level": 2}, (3, 1, 2, 2)),
    "no-class-token": (
        {"neighbours": 6, "class_token": 0.0, "middle": 2, "first_level": 2},
        (2, 1, 2, 3),
    ),
}


@pytest.mark.parametrize("grid", [(4, 4), (3, 7)])
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_equals_the_formula(family: str, case: str, grid: tuple[int, int]) -> None:
    options, depths = CASES[case]
    encoder = FAMILIES[family]()
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, METHOD, METHOD.options(**options)).patches[0]
    expected = sc_clip(tower_of(encoder, values, grid), depths, **options)
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=1e-5, rtol=0)


def test_the_defaults_on_more_patches_than_neighbours() -> None:
    encoder, grid = clip(), (6, 7)
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, METHOD, METHOD.options()).patches[0]
    expected = sc_clip(tower_of(encoder, values, grid), (3, 1, 1, 3))
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=1e-5, rtol=0)


def test_each_image_of_a_batch_has_outliers_of_its_own() -> None:
    encoder = clip()
    options = METHOD.options(outliers=0.2, neighbours=3)
    values = values_for(encoder, (3, 7), batch=3)
    batch = dense_tokens(encoder, values, (3, 7), METHOD, options).patches
    single = [dense_tokens(encoder, one[None], (3, 7), METHOD, options).patches for one in values]
    torch.testing.assert_close(batch, torch.cat(single), atol=1e-4, rtol=1e-4)


def test_the_depths_of_the_published_program() -> None:
    path = METHOD.path(METHOD.options(), 12)
    assert path.watches == (4, 5, 6, 7, 8, 9, 10, 11)
    assert METHOD.path(METHOD.options(multi_level=False), 12).watches == (4, 9, 11)


def test_levels_that_end_before_they_start_are_refused() -> None:
    with pytest.raises(BadOptionError, match="end after 2 blocks and start after 3"):
        METHOD.path(METHOD.options(first_level=3, last_level=2), 12)
    with pytest.raises(BadOptionError, match="early lies between 1 and 11, got 12"):
        METHOD.path(METHOD.options(early=12), 12)
