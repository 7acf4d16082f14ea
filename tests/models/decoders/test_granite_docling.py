"""What is special to Granite-Docling: its fine path, and where the image enters the decoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made
from lvlms.granite_docling import granite_docling
from vlmscope.errors import ModelMismatchError, UnsupportedError


def picture(height: int = 60, width: int = 120) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


def test_the_fine_path_makes_four_times_as_many_tokens() -> None:
    model = made("granite-docling")
    coarse, fine = (
        vs.token_map(model, picture(), "text", placement=each) for each in ("processor", "fine")
    )
    assert [(view.name, view.grid) for view in coarse.views] == [
        ("tiles", (4, 8)),
        ("thumbnail", (4, 4)),
    ]
    assert [view.grid for view in fine.views] == [(8, 16), (8, 8)]
    out = vs.prefill(model, [[picture(), picture(40, 40)]], "text", placement="fine")
    batch = vs.prefill(model, [picture(), picture(40, 40)], ["text", "text"], placement="fine")
    assert len(out.logits) == 1 and len(batch.logits) == 2


def test_a_model_without_the_fine_path_says_so() -> None:
    model = granite_docling(fine=False)
    with pytest.raises(UnsupportedError, match="has no fine path"):
        vs.token_map(model, picture(), "text", placement="fine")
    assert vs.token_map(model, picture(), "text").views


def test_a_processor_of_another_tile_size_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="tiles of 32x32 pixels"):
        granite_docling(side=32)


def test_the_image_enters_until_the_last_of_its_features_is_added() -> None:
    model = made("granite-docling")
    into: list[torch.Tensor] = []
    out_of: list[torch.Tensor] = []
    hooks = [
        hook
        for layer in model.layers
        for hook in (
            layer.register_forward_pre_hook(lambda _, args: into.append(args[0])),
            layer.register_forward_hook(lambda _, args, output: out_of.append(output)),
        )
    ]
    try:
        tokens = vs.prefill(model, picture(), "text").token_map
    finally:
        for hook in hooks:
            hook.remove()
    added = [
        not torch.equal(one[0, tokens.image_positions], other[0, tokens.image_positions])
        for one, other in zip(out_of, into[1:], strict=False)
    ]
    assert added == [True, True] and model.family.image_enters_until(model.hf) == 1
    text = tokens.positions("text")
    assert torch.equal(out_of[0][0, text], into[1][0, text])
