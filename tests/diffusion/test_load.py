"""A pipeline out of a folder: its weights, their dtype, and that it draws what the saved one draws."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import vlmscope as vs
from pipelines import diffusion_pipeline


def test_it_draws_what_the_saved_one_draws(tmp_path: Path) -> None:
    saved = diffusion_pipeline()
    saved.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*torch_dtype.*")
        loaded = vs.load_pipeline(str(tmp_path), device="cpu")
    first, second = (
        vs.draw_words(each, "a red dog", steps=2, size=(32, 32), progress=False)
        for each in (saved, loaded)
    )
    assert np.array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.maps, second.maps)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_weights_are_of_the_dtype_that_was_asked_for(tmp_path: Path, name: str) -> None:
    diffusion_pipeline().save_pretrained(tmp_path)
    loaded = vs.load_pipeline(str(tmp_path), dtype=name, device="cpu")
    assert loaded.unet.dtype == getattr(torch, name) == loaded.text_encoder.dtype
