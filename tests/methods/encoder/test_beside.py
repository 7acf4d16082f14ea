"""Images of one grid side by side: what each gives alone, by every dense method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from dual_families import blip, clip, siglip
from vlmscope.methods import Job, methods_for
from vlmscope.methods.encoder import DenseMethod
from vlmscope.methods.encoder.tower import _Walk

SIZES = [(64, 96), (96, 64), (64, 96), (64, 96), (96, 64)]
PHRASES: list[Any] = [
    "the dog",
    ["a cat", "the red circle"],
    "the dog",
    ["the dog", "the dog"],
    None,
]


def jobs() -> list[Job]:
    random = np.random.default_rng(0)
    pictures = [random.integers(40, 215, (*size, 3), dtype=np.uint8) for size in SIZES]
    return [Job(*each) for each in zip(pictures, PHRASES, range(5), strict=True)]


def check(ready: vs.Grounder) -> None:
    alone, beside = list(ready.stream(jobs(), batch=1)), list(ready.stream(jobs(), batch=3))
    for one, other in zip(alone, beside, strict=True):
        assert one.job.id == other.job.id
        for first, second in zip(one.result(), other.result(), strict=True):
            np.testing.assert_allclose(first.score_map, second.score_map, atol=1e-5)
            assert abs(first.score - second.score) < 1e-5
            assert first.details["presence"] == pytest.approx(second.details["presence"], abs=1e-5)
            assert (first.phrase, first.warnings) == (second.phrase, second.warnings)


def dense() -> list[str]:
    return [each.id for each in methods_for(clip()) if isinstance(each, DenseMethod)]


@pytest.mark.filterwarnings("error::vlmscope.errors.VlmscopeWarning")
@pytest.mark.parametrize("method", dense())
def test_every_dense_method_on_clip(method: str) -> None:
    check(vs.grounder(clip(), "a cat", method))


@pytest.mark.parametrize("family", [siglip, blip])
def test_other_families(family: Any) -> None:
    check(vs.grounder(family(), "a cat", "clearclip"))


@pytest.mark.parametrize(("options", "batches"), [({}, [3, 2]), ({"window": 32}, [])])
def test_images_of_one_grid_share_a_pass(
    options: dict[str, Any], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, tokens = [], _Walk.tokens

    def counted(walk: _Walk, x: Any, values: Any) -> Any:
        seen.append(len(x))
        return tokens(walk, x, values)

    monkeypatch.setattr(_Walk, "tokens", counted)
    ready = vs.grounder(clip(), "a cat", "maskclip", **options)
    assert all(each.error is None for each in ready.stream(jobs(), batch=3))
    # windows of one image are a batch by themselves
    assert seen == batches if batches else len(seen) == 5


def test_phrases_that_compete_need_another() -> None:
    ready = vs.grounder(clip(), ["a cat", "the dog"], "gem", compete=True)
    outcomes = list(ready.stream(jobs(), batch=3))
    assert [type(each.error).__name__ for each in outcomes] == [
        "BadOptionError",
        "NoneType",
        "BadOptionError",
        "BadOptionError",
        "NoneType",
    ]
