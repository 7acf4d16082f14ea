"""What cannot be a layer's input is refused with a sentence; the model is left as it was."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

import vlmscope as vs
from attention.hidden.test_families import PHRASE, inputs_kept, picture
from families import llava
from vlmscope.errors import AttentionError, UnknownNameError


@pytest.fixture(scope="module")
def model() -> vs.models.LoadedModel:
    return llava("llama-gqa")


@pytest.fixture(scope="module")
def known(model: vs.models.LoadedModel) -> tuple[torch.Tensor, vs.attention.Trace]:
    with vs.capture(model) as trace, inputs_kept(model) as kept:
        vs.prefill(model, picture(), PHRASE)
    return kept[1][0], trace


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda h: h[:, :-2], "62 wide, and the decoder of .* is 64 wide: .* another model"),
        (lambda h: h[20:], r"positions, and the prompt has .* image tokens\. .*prefix caching"),
        (lambda h: torch.cat([h, h[:1]]), "another prompt, or generated tokens"),
        (lambda h: h[None], r"have the shape \(1, "),
        (lambda h: h.round().to(torch.int32), "are int32, and float16"),
        (lambda h: h.to(torch.float8_e4m3fn), "are float8_e4m3fn, and float16"),
        (lambda h: h.double(), "float64 and the model is float32, which would round them"),
        (lambda h: h.index_fill(0, torch.tensor([3]), float("nan")), "not finite at 1 of"),
        (lambda h: h.index_fill(0, torch.tensor([3, 5]), float("inf")), "not finite at 2 of"),
        (lambda h: h.tolist(), "are list, and a tensor"),
    ],
)
def test_hidden_states_that_cannot_be_right(model, known, spoil, sentence: str) -> None:
    hidden, trace = known
    with pytest.raises(AttentionError, match=sentence):
        vs.rows_from_hidden_states(model, spoil(hidden), trace.token_map, 1)


@pytest.mark.parametrize("layer", [-1, 4, 10**6])
def test_layers_that_do_not_exist(model, known, layer: int) -> None:
    with pytest.raises(AttentionError, match=f"layers 0 to 3; layer {layer} does not exist"):
        vs.rows_from_hidden_states(model, known[0], known[1].token_map, layer)


@pytest.mark.parametrize("layer", [True, 1.0, "1", None])
def test_layers_that_are_no_number(model, known, layer: object) -> None:
    with pytest.raises(AttentionError, match="number of one decoder layer"):
        vs.rows_from_hidden_states(model, known[0], known[1].token_map, layer)


def test_rows_that_do_not_exist(model, known) -> None:
    with pytest.raises(UnknownNameError, match="last_txt"):
        vs.rows_from_hidden_states(model, known[0], known[1].token_map, 1, rows="last_txt")


def test_smaller_numbers_are_taken_as_they_are(model, known) -> None:
    hidden, trace = known
    rows = vs.rows_from_hidden_states(model, hidden.bfloat16(), trace.token_map, 1)
    exact = vs.rows_from_hidden_states(model, hidden.bfloat16().float(), trace.token_map, 1)
    assert torch.equal(rows, exact)
    assert not torch.equal(rows, trace.layer_maps(1))
    assert torch.equal(
        vs.rows_from_hidden_states(model, hidden.numpy(), trace.token_map, np.int64(1)),
        trace.layer_maps(1),
    )


def test_nothing_below_the_layer_and_nothing_behind_its_attention_runs(model, known) -> None:
    ran: list[str] = []
    hooks = [
        part.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, part in model.hf.named_modules()
    ]
    try:
        vs.rows_from_hidden_states(model, known[0], known[1].token_map, 1)
    finally:
        for hook in hooks:
            hook.remove()
    parts = {name.rpartition("layers.1.")[2] for name in ran if ".layers.1." in name}
    wanted = {"input_layernorm", *(f"self_attn.{each}_proj" for each in "qkv")}
    assert parts == wanted
    assert not [name for name in ran if "vision" in name or ".layers.0." in name]


def test_the_model_is_itself_again(model, known) -> None:
    members = {name: set(module.__dict__) for name, module in model.hf.named_modules()}
    vs.rows_from_hidden_states(model, known[0], known[1].token_map, 1)
    with pytest.raises(AttentionError):
        vs.rows_from_hidden_states(model, known[0], known[1].token_map, 1, rows=[10**6])
    assert members == {name: set(module.__dict__) for name, module in model.hf.named_modules()}
    with vs.capture(model) as trace:
        vs.prefill(model, picture(), PHRASE)
    assert torch.equal(trace.maps, known[1].maps)


def test_another_thread_runs_the_whole_model_meanwhile(model, known) -> None:
    from vlmscope.attention.hidden.one_layer import only_layer

    inputs = model.encode([picture()], [PHRASE]).inputs
    with torch.no_grad():
        expected, seen = model.hf(**inputs).logits, []

    def run() -> None:
        with torch.no_grad():
            seen.append(model.hf(**inputs).logits)

    with only_layer(model, 1, torch.zeros_like(known[0])[None]):
        other = threading.Thread(target=run)
        other.start()
        other.join()
    assert torch.equal(seen[0], expected)


def test_a_knockout_around_it_counts(model, known) -> None:
    hidden, trace = known
    with vs.knockout(model, [("image", "phrase")]):
        rows = vs.rows_from_hidden_states(model, hidden, trace.token_map, 1)
    assert float(rows.max()) == 0
