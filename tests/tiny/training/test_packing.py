import itertools
import random

import numpy as np
import pytest
import torch

from vlmscope.tiny.model.architecture import Shape, build_llava
from vlmscope.tiny.model.tokenizer import EOS, encode, vocabulary
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.training.objectives import packed_forward
from vlmscope.tiny.training.packing import pack, prefix_ids
from vlmscope.tiny.world.language import exchanges
from vlmscope.tiny.world.scenes import render_scene

TABLE = {word: index for index, word in enumerate(vocabulary())}


def some_exchanges(seed: int, count: int):
    scene = render_scene(seed)
    return scene, list(itertools.islice(exchanges(scene, random.Random(seed)), count))


def test_a_packed_row_holds_whole_exchanges_with_weights_on_answers_only():
    _, asked = some_exchanges(4, 9)
    row = pack(asked, TABLE, 160)
    ids, segment, offset, weight = row
    for number in range(1, int(segment.max()) + 1):
        at = segment == number
        assert offset[at].tolist() == list(range(at.sum()))
        answer = ids[at][weight[at] > 0]
        assert answer[-1] == EOS
        assert weight[at][0] == 0
    assert not ids[segment == 0].any()


def test_what_does_not_fit_is_left_out_whole():
    _, asked = some_exchanges(4, 40)
    row = pack(asked, TABLE, 30)
    assert row.shape == (4, 30)
    assert (row[0] == EOS).sum() == row[1].max()


@pytest.mark.parametrize(("seed", "kernel"), [(0, "sdpa"), (1, "eager")])
def test_packed_questions_are_computed_as_if_each_stood_alone(seed, kernel):
    shape = Shape(text_layers=3)
    model = build_llava(shape, seed).eval()
    model.set_attn_implementation(kernel)
    scene, asked = some_exchanges(seed, 7)
    pixels = normalise(torch.from_numpy(scene.image)[None])
    row = pack(asked, TABLE, 160)
    with torch.no_grad():
        packed = packed_forward(model, pixels, torch.from_numpy(row)[None].long()).logits[0]
        prefix = prefix_ids(TABLE, shape.image_tokens)
        for number, exchange in enumerate(asked, start=1):
            words = [*encode(f"{exchange.prompt} {exchange.answer}", TABLE), EOS]
            alone = model(input_ids=torch.tensor([prefix + words]), pixel_values=pixels).logits[0]
            at = torch.from_numpy(np.flatnonzero(row[1] == number))
            torch.testing.assert_close(packed[at], alone[len(prefix) :], atol=1e-4, rtol=1e-4)
