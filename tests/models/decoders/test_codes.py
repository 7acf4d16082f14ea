"""Chameleon and Emu3: an image token is the code nearest to what its cell became, row by row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import builds, made
from lvlms.chameleon import code_name
from vlmscope.models import LoadedModel

PHRASE = "the small red circle"


def picture(height: int = 60, width: int = 90, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def seen(model: LoadedModel, name: str, group: list[np.ndarray]) -> tuple:
    """What is quantised (channels, rows, columns), what the first layer receives, and the token map."""
    quantiser = builds()[name].codes(model)
    taken, states = [], []
    hooks = [
        quantiser.register_forward_pre_hook(lambda _, args: taken.append(args[0])),
        model.layers[0].register_forward_pre_hook(lambda _, args: states.append(args[0])),
    ]
    try:
        out = vs.prefill(model, [group], PHRASE, stop_after=0)
    finally:
        for hook in hooks:
            hook.remove()
    return taken[0].flatten(0, -4)[0], states[0][0], out.token_map


def spelled(name: str, code: int) -> str:
    return code_name(code) if name == "chameleon" else f"<|visual token {code:06d}|>"


@pytest.mark.parametrize("name", ["chameleon", "emu3"])
def test_image_tokens_are_the_nearest_codes_row_by_row(name: str) -> None:
    model = made(name)
    values, states, tokens = seen(model, name, [picture()])
    rows, columns = tokens.views[0].grid
    assert values.shape[1:] == (rows, columns)
    codes = builds()[name].codes(model).embedding.weight.detach().numpy()
    embed = model.hf.get_input_embeddings().weight
    found = set()
    for index, position in enumerate(tokens.image_positions):
        value = values[:, index // columns, index % columns].numpy()
        code = int(np.square(codes - value).sum(1).argmin())
        word = model.processor.tokenizer.convert_tokens_to_ids(spelled(name, code))
        assert torch.equal(states[position], embed[word])
        found.add(code)
    assert len(found) > 5  # it is no picture of one code


def test_emu3_ends_each_row_with_a_token_on_no_grid() -> None:
    model = made("emu3")
    _, states, tokens = seen(model, "emu3", [picture()])
    rows, columns = tokens.views[0].grid
    ends = tokens.image_positions.reshape(rows, columns)[:, -1] + 1
    word = model.processor.tokenizer.convert_tokens_to_ids("<|extra_200|>")
    expected = model.hf.get_input_embeddings().weight[word]
    assert all(torch.equal(states[end], expected) for end in ends)


def test_codes_of_emu3_do_not_depend_on_the_batch() -> None:
    """Beside a larger picture it is filled up with zeros, which its norms would see."""
    model = made("emu3")
    small, large = picture(60, 90), picture(150, 40, seed=1)
    alone = vs.prefill(model, small, PHRASE).logits
    batch = vs.prefill(model, [small, large], [PHRASE, PHRASE]).logits
    torch.testing.assert_close(batch[:1], alone, atol=1e-5, rtol=0)


def test_chameleon_draws_no_codes() -> None:
    model = made("chameleon")
    logits = vs.prefill(model, picture(), PHRASE).logits
    codes = model.hf.model.vocabulary_mapping.image_tokens
    assert (logits[:, codes] == torch.finfo(logits.dtype).min).all()
    hidden = torch.randn(2, model.decoder.config.hidden_size)
    assert (model.family.head(model.hf, hidden)[:, codes] == torch.finfo(logits.dtype).min).all()
