"""What is special to MiniMax M3: blocks that an indexer picks, and what they rule out."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made, waiting
from vlmscope.attention import shared_prefix
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models import LoadedModel

PHRASE = "the small red circle on the left"
BLOCK, PICKED = 4, 3


@pytest.fixture(params=["minimax-m3-picking"])
def model(request: pytest.FixtureRequest) -> LoadedModel:
    if request.param in waiting():
        pytest.skip("its images are prepared by torchvision, which is not installed")
    return made(request.param)


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (110, 140, 3), dtype=np.uint8)


def test_rows_of_sparse_layers_hold_the_picked_blocks_alone(model: LoadedModel) -> None:
    length = len(vs.token_map(model, picture(), PHRASE))
    with vs.capture(model, rows=list(range(length)), keys="all") as trace:
        vs.prefill(model, picture(), PHRASE)
    padded = -(-length // BLOCK) * BLOCK
    rows = torch.nn.functional.pad(trace.maps, (0, padded - length))
    blocks = (rows.unflatten(-1, (-1, BLOCK)) > 0).any(-1).sum(-1)  # (layers, heads, rows)
    seen = torch.arange(length) // BLOCK + 1
    most = torch.minimum(seen, torch.tensor(PICKED))
    for layer, expected in enumerate((most, seen, most)):  # the middle one is dense
        assert (blocks[layer] == expected).all()
    groups = (rows[0, :, -1] > 0).unflatten(0, (2, -1))  # two groups of heads pick for themselves
    assert (groups == groups[:, :1]).all() and not torch.equal(groups[0, 0], groups[1, 0])


def test_a_prefix_comes_back_with_the_keys_of_its_indexer(model: LoadedModel) -> None:
    prefix = shared_prefix(model, picture())
    prefix.answer("a dog", 3)
    assert [len(each.keys[0, 0]) for each in prefix._cache.layers] == [prefix.length] * 3
    sparse = [prefix._cache.layers[number] for number in (0, 2)]
    assert [each.idx_keys.shape[-2] for each in sparse] == [prefix.length] * 2


def test_what_would_move_blocks_is_refused(model: LoadedModel) -> None:
    with pytest.raises(UnsupportedError, match="minimax-m3"):
        with vs.lighten(model, drop_image_after=1, keep=0.5):
            vs.prefill(model, picture(), PHRASE)
    with pytest.raises(UnsupportedError, match="keys of an indexer"):
        vs.compress_context(model, picture(), None, keep=0.5, by="norm")


def test_images_that_are_not_brought_to_whole_tokens_are_refused(model: LoadedModel) -> None:
    processor = copy.copy(model.processor)
    processor.image_processor = copy.copy(processor.image_processor)
    processor.image_processor.do_resize = False
    with pytest.raises(ModelMismatchError, match="do_resize=False"):
        vs.from_pretrained_model(model.hf, processor)
