"""Rows from the input hidden states of one layer are those of a capture, on every causal family."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import builds, made
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel, Prompt

BUILDS = builds()
READ = [name for name in BUILDS if not (made(name).family.crossed or made(name).family.queried)]
# one of each class of transformers: what differs between builds of one is how images are cut
CLASSES = list({type(made(name).hf): name for name in reversed(READ)}.values())
REFUSED = [name for name in BUILDS if name not in READ]
PHRASE = "the small red circle on the left"


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


@contextlib.contextmanager
def inputs_kept(model: LoadedModel) -> Iterator[dict[int, torch.Tensor]]:
    """What every layer gets: float (batch, positions, width)."""
    kept: dict[int, torch.Tensor] = {}

    def hook(number: int):
        def keep(module: torch.nn.Module, args: tuple, kwargs: dict) -> None:
            kept[number] = (args[0] if args else kwargs["hidden_states"]).detach().clone()

        return keep

    hooks = [
        layer.register_forward_pre_hook(hook(number), with_kwargs=True)
        for number, layer in enumerate(model.layers)
    ]
    try:
        yield kept
    finally:
        for each in hooks:
            each.remove()


@pytest.mark.parametrize("name", READ)
def test_rows_equal_those_of_a_capture_in_every_layer(name: str) -> None:
    model = made(name)
    with vs.capture(model, rows="phrase") as trace, inputs_kept(model) as kept:
        vs.prefill(model, picture(), PHRASE)
    for layer in model.row_layers:
        if model.family.keys_of_another_layer(model.hf, layer):
            with pytest.raises(UnsupportedError, match="no keys of its own"):
                vs.rows_from_hidden_states(model, kept[layer][0], trace.token_map, layer, "phrase")
            continue
        rows = vs.rows_from_hidden_states(model, kept[layer][0], trace.token_map, layer, "phrase")
        torch.testing.assert_close(rows, trace.layer_maps(layer), atol=1e-6, rtol=0)
        assert rows.shape[0] == model.decoder_shape[1]
        assert float(rows.max()) > 0


@pytest.mark.parametrize("name", CLASSES)
def test_answers_several_images_and_padding_are_placed_as_the_model_places_them(name: str) -> None:
    model = made(name)
    images = [picture(), picture(90, 60, seed=1)][: 2 if model.family.many_images else 1]
    prompts = [Prompt(PHRASE, answer="red circle"), Prompt("pizza", answer="dog")]
    own = [n for n in model.row_layers if not model.family.keys_of_another_layer(model.hf, n)]
    last = own[-1]
    with vs.capture(model, rows="generated") as trace, inputs_kept(model) as kept:
        vs.prefill(model, [images] * 2, prompts, padding_side="left")
    for item, token_map in enumerate(trace.token_maps):
        rows = vs.rows_from_hidden_states(model, kept[last][item], token_map, last, "generated")
        torch.testing.assert_close(rows, trace.layer_maps(last, item), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", REFUSED)
def test_other_families_are_refused_by_name(name: str) -> None:
    model = made(name)
    tokens = vs.token_map(model, picture(), PHRASE)
    hidden = torch.zeros(len(tokens), model.decoder.config.hidden_size)
    with pytest.raises(UnsupportedError, match=rf"{model.family.id}.*(cross-attention|Q-Former)"):
        vs.rows_from_hidden_states(model, hidden, tokens, 0)
