"""The image as a whole, compared with text window by window."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from dual_families import clip
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
