"""Fuyu: ids, patches and logits are those of its processor; rectangles follow the patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from lvlms import made
from vlmscope.errors import ModelMismatchError

PHRASE = "the small red circle"


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(70, 110), (64, 101), (200, 90), (9, 13)])
def test_inputs_and_logits_are_those_of_the_processor(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made("fuyu")
    images = model.processor.image_processor
    cut = images.patchify_image
    monkeypatch.setattr(
        images,
        "patchify_image",
        lambda image, patch_size=None: torch.as_tensor(cut(np.asarray(image), patch_size)),
    )
    theirs = model.processor(
        images=[Image.fromarray(picture(*size))],
        text=[PHRASE],
        return_tensors="pt",
        return_legacy_image_output=False,
    )
    monkeypatch.undo()
    ours = model.encode([[picture(*size)]], [PHRASE], preset="chat").inputs
    assert ours["input_ids"].tolist() == theirs["input_ids"].tolist()
    torch.testing.assert_close(
        ours["pixel_values"], theirs["pixel_values"].to(ours["pixel_values"].dtype), atol=0, rtol=0
    )
    with model.frozen():
        logits = model.hf(**theirs).logits[:, -1]
    out = vs.prefill(model, picture(*size), PHRASE, preset="chat")
    torch.testing.assert_close(out.logits, logits, atol=1e-5, rtol=0)


def test_the_last_patches_reach_over_the_border() -> None:
    tokens = vs.token_map(made("fuyu"), picture(64, 101), PHRASE)
    assert tokens.views[0].grid == (7, 11)
    assert tokens.views[0].boxes[-1].tolist() == [100, 60, 110, 70]


def test_a_large_picture_is_made_smaller() -> None:
    tokens = vs.token_map(made("fuyu"), picture(200, 90), PHRASE)  # to 90 x 40
    assert tokens.views[0].grid == (9, 4)
    np.testing.assert_allclose(tokens.views[0].boxes[-1], [67.5, 177.78, 90, 200], atol=0.01)


def test_patches_of_another_size_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = made("fuyu")
    monkeypatch.setattr(model.hf.config, "patch_size", 30)
    with pytest.raises(ModelMismatchError, match="10x10 pixels, the model takes 30x30"):
        model.family.check(model.hf, model.processor)
