"""The image as a whole, compared with text window by window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import vlmscope as vs
from dual_families import clip
from vlmscope.errors import AttentionError
from vlmscope.methods import get_method
from vlmscope.methods.encoder import DenseSetup, compare, phrase_embeddings, tokens_of_methods
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.window import WindowPlan


def test_over_several_windows_the_whole_image_counts_by_its_best_window() -> None:
    encoder, method = clip(), get_method("maskclip")
    pixels = np.random.default_rng(0).integers(0, 255, (48, 96, 3), np.uint8)
    options = DenseOptions(window=32, stride=16, side=48)
    text = phrase_embeddings(encoder, ["dog", "bus"], "none")
    found = compare(DenseSetup(method, encoder, options), pixels, text)
    fitted = encoder.fit(pixels, 48, True)
    plan = WindowPlan.over(fitted.grid, encoder.patch, 32, 16)
    by_window = torch.stack(
        [
            F.normalize(
                tokens_of_methods(encoder, values, plan.size, [(method, options)], pooled=True)[
                    0
                ].pooled[0],
                dim=-1,
            )
            @ text.T
            for values in plan.cut(fitted.values, encoder.patch, 1)
        ]
    )
    assert len(by_window) == found.windows == 10
    best, worst = by_window.amax(dim=0), by_window.amin(dim=0)
    assert float((best - worst).min()) > 1e-4, "windows that agree would say nothing"
    torch.testing.assert_close(found.whole, best, atol=1e-5, rtol=0)


@pytest.mark.parametrize("door", ["ground", "segment", "presence gate", "protocol"])
def test_a_processor_that_makes_no_numbers_is_refused_at_every_door(door: str) -> None:
    encoder = clip()
    encoder.processor.image_processor.image_std = [0.25, 0.0, 0.25]  # divides by it
    image = np.zeros((40, 56, 3), np.uint8)
    calls: dict[str, Callable[[], object]] = {
        "ground": lambda: vs.ground(encoder, image, "dog", method="gem"),
        "segment": lambda: vs.segment(encoder, image, ["dog", "bus"]),
        "presence gate": lambda: vs.segment(encoder, image, ["dog", "bus"], least_presence=0.1),
        "protocol": lambda: vs.segment(encoder, image, ["dog", "bus"], protocol="gem"),
    }
    with pytest.raises(AttentionError, match="NaN"):
        calls[door]()
