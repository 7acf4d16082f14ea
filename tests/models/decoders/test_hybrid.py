"""Hybrids: which layers have attention rows, what may be asked of the others, and what passes by."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made
from lvlms.qwen35 import FULL, LINEAR, qwen4_exp, qwen35
from vlmscope.analysis.flow import attention_flow
from vlmscope.analysis.knockout import KnockoutOptions, knockout_sweep
from vlmscope.analysis.tokens import token_grounding
from vlmscope.attention import image_layers, read_heads, shared_prefix
from vlmscope.attention.next_tokens import next_token_logits
from vlmscope.attention.sweep import KnockoutSpec, answer_scores, sweep
from vlmscope.errors import AttentionError, BadHeadSetError, BadOptionError, UnsupportedError
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.models import LoadedModel, Prompt

HYBRIDS = ("qwen3.5", "qwen4-exp")
# as in the checkpoints: every fourth layer
REAL = (LINEAR, LINEAR, LINEAR, FULL) * 2
PHRASE = "the small red circle on the left"
QUESTION = "what colour is the dog ?"


def picture(seed: int = 0, height: int = 70, width: int = 110) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def real() -> LoadedModel:
    return qwen35(REAL)


def test_layers_keep_the_numbers_of_the_model(real: LoadedModel) -> None:
    assert real.row_layers == image_layers(real) == (3, 7)
    assert real.decoder_shape == (8, 8) and "8 layers (2 with rows)" in repr(real)
    with vs.capture(real) as trace:
        vs.prefill(real, picture(), PHRASE)
    assert trace.layers == (3, 7) and trace.maps.shape[:2] == (2, 8)
    [read] = read_heads(real, picture(), [PHRASE], heads=[(3, 2), (7, 5)])
    expected = torch.stack([trace.layer_maps(3)[2], trace.layer_maps(7)[5]])
    np.testing.assert_allclose(read.maps, expected, atol=1e-5, rtol=0)
    assert [str(head) for head in read.heads] == ["L3H2", "L7H5"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: vs.capture(model, layers=[1]),
        lambda model: vs.capture(model, heads=[(3, 0), (1, 0)]),
        lambda model: vs.knockout(model, [("image", "query")], layers=range(1, 3)),
    ],
)
def test_a_layer_without_rows_is_named_beside_those_that_have_some(
    real: LoadedModel, ask: object
) -> None:
    with pytest.raises(AttentionError, match=r"Layer 1 of .* has no attention rows; .*: 3, 7\."):
        with ask(real):  # type: ignore[operator]
            pass


def test_other_ways_to_name_a_layer_say_the_same(real: LoadedModel) -> None:
    tokens = vs.token_map(real, picture(), PHRASE)
    hidden = torch.zeros(len(tokens), real.decoder.config.hidden_size)
    with pytest.raises(AttentionError, match="Layer 2 of .* has no attention rows"):
        vs.rows_from_hidden_states(real, hidden, tokens, 2)
    with pytest.raises(BadHeadSetError, match="no head L4H1: layer 4 .* layers 3, 7 have"):
        vs.ground(real, picture(), PHRASE, heads=[(3, 1), (4, 1)])
    with pytest.raises(BadHeadSetError, match="no head L1H0: layer 1 has no attention rows"):
        with vs.steer(real, [(1, 0)], towards=(0, 0, 9, 9)):
            pass
    with pytest.raises(BadOptionError, match="of which 3, 7 look"):
        vs.ground(real, picture(), PHRASE, method="mean-attention", first_layer=4, last_layer=6)
    with pytest.raises(BadOptionError, match=r"leaves no layer with attention rows.* 1, 2"):
        samples = [(picture(), PHRASE)]
        vs.discover_heads(made("qwen3.5"), samples, DiscoveryOptions(skip_layers=3))


def test_a_window_that_holds_a_layer_with_rows_blocks_it(real: LoadedModel) -> None:
    def logits(layers: range | list[int]) -> torch.Tensor:
        with vs.knockout(real, [("image", "query")], layers=layers):
            return vs.prefill(real, picture(), PHRASE).logits

    assert torch.equal(logits(range(2, 6)), logits([3]))
    assert not torch.equal(logits([3]), logits([7]))


def test_a_pass_may_stop_behind_a_layer_without_rows(real: LoadedModel) -> None:
    ran: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(real.layers)
    ]
    out = vs.prefill(real, picture(), PHRASE, stop_after=4)
    for hook in hooks:
        hook.remove()
    assert out.logits is None and ran == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", HYBRIDS)
def test_a_state_carries_the_image_past_every_knockout_and_that_is_said(name: str) -> None:
    model = made(name)
    with vs.knockout(model, [("image", "text")]):
        one, other = (
            vs.prefill(model, each, PHRASE).logits for each in (picture(1), 255 - picture(1))
        )
    assert (one - other).abs().max() > 1e-4
    assert any("still reaches the text" in limit for limit in model.family.limits)


@pytest.mark.parametrize("name", HYBRIDS)
def test_a_prefix_is_lent_in_copies_and_comes_back_as_it_was(name: str) -> None:
    """Phrases in any order, answers between them, and a pass that is broken off change nothing."""
    model = made(name)
    prefix = shared_prefix(model, picture())
    heads, phrases = [(1, 1), (2, 0)], [PHRASE, "pizza", "a large blue star"]
    first = read_heads(model, picture(), phrases, heads=heads, prefix=prefix)
    states = [
        {
            number: state.clone()
            for number, state in layer.recurrent_states.items()
            if state is not None
        }
        for layer in prefix._cache.layers
        if hasattr(layer, "recurrent_states")
    ]
    assert states and all(states)
    prefix.answer(QUESTION, 4)
    read_heads(model, picture(), phrases[:1], heads=[(1, 0)], prefix=prefix)  # stops early
    again = read_heads(model, picture(), phrases[::-1], heads=heads, prefix=prefix)[::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.maps, other.maps)
    kept = [layer for layer in prefix._cache.layers if hasattr(layer, "recurrent_states")]
    for layer, before in zip(kept, states, strict=True):
        assert all(
            torch.equal(layer.recurrent_states[number], each) for number, each in before.items()
        )


def test_each_phrase_runs_alone_behind_the_image() -> None:
    model = made("qwen3.5")
    prefix = shared_prefix(model, picture())
    texts = prefix.encode([PHRASE, "pizza"])
    assert [indices for indices, _ in prefix.packs(texts)] == [[0], [1]]
    logits = next_token_logits(model, picture(), [PHRASE, "pizza"])
    alone = [vs.prefill(model, picture(), each).logits[0] for each in (PHRASE, "pizza")]
    torch.testing.assert_close(logits, torch.stack(alone).float(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", HYBRIDS)
def test_a_sweep_runs_whole_passes_and_equals_plain_ones(name: str) -> None:
    model = made(name)
    prompt = Prompt(QUESTION, answer="red circle")
    edges = (("image", "query"), ("image", "generated"))
    specs = [KnockoutSpec(edges, layers) for layers in ((0,), (1,), (2,), (1, 2), (3,))]
    swept = sweep(model, picture(), prompt, specs, preset="chat")
    assert not swept.resumed
    assert [each.replayed for each in swept.effects] == [False, True, True, True, False]
    for spec, effect in zip(specs, swept.effects, strict=True):
        layers = [layer for layer in spec.layers if layer in model.row_layers]
        np.testing.assert_allclose(
            effect.logprobs, scores(model, prompt, layers), atol=1e-4, err_msg=str(spec)
        )
    # the question's rows count in the last layer with rows too: a state above carries them on
    only = KnockoutSpec((("image", "phrase"),), (2,))
    asked = Prompt(QUESTION, phrase=(15, 22), answer="red circle")
    [effect] = sweep(model, picture(), asked, [only], preset="chat").effects
    assert effect.replayed and np.abs(effect.logprobs - swept.answer.logprobs).max() > 0


def scores(model: LoadedModel, prompt: Prompt, layers: list[int]) -> np.ndarray:
    """Log-probabilities of the answer's tokens, by one plain pass."""
    from vlmscope.attention.installed import instrument
    from vlmscope.attention.instrument import Binding

    encoded = model.encode([picture()], [prompt], preset="chat")
    at = torch.from_numpy(encoded.token_maps[0].positions("generated"))
    edges = [("image", "query"), ("image", "generated")]
    with instrument(model) as active, model.frozen(), active.bound(Binding(encoded.token_maps)):
        if layers:
            with vs.knockout(model, edges, layers, keep_own=True):
                logits = model.family.forward(model.hf, at - 1, **encoded.inputs)[0]
        else:
            logits = model.family.forward(model.hf, at - 1, **encoded.inputs)[0]
    ids = encoded.inputs["input_ids"][0, at]
    return logits.double().log_softmax(-1).gather(-1, ids[:, None])[:, 0].numpy()


def test_scores_of_an_answer_are_those_of_the_sweep() -> None:
    model, prompt = made("qwen3.5"), Prompt(QUESTION, answer="red circle")
    found = answer_scores(model, picture(), prompt, [[("image", "generated")]], preset="chat")
    every = KnockoutSpec((("image", "generated"),), tuple(range(4)))
    [effect] = sweep(model, picture(), prompt, [every], preset="chat").effects
    np.testing.assert_array_equal(found.logprobs[0], effect.logprobs)


def test_what_needs_a_cache_that_can_be_cut_is_refused() -> None:
    model = made("qwen3.5")
    with pytest.raises(UnsupportedError, match="carries a state"):
        with vs.lighten(model, drop_image_after=1, keep=0.5):
            pass
    with pytest.raises(UnsupportedError, match="carries a state"):
        vs.compress_context(model, picture(), None, keep=0.5, by="norm")


# -- analyses ----------------------------------------------------------------------------


def test_a_sweep_says_which_windows_block_nothing(real: LoadedModel) -> None:
    questions = [(picture(), QUESTION, "red circle")]
    found = knockout_sweep(real, questions, KnockoutOptions(edges="image->both", width=2, stride=2))
    assert found.row_layers == (3, 7) and found.run["row_layers"] == [3, 7]
    assert dict(zip(found.window_names, found.rowless, strict=True)) == {
        "0-1": True,
        "2-3": False,
        "4-5": True,
        "6-7": False,
        "all": False,
    }
    assert [each.get("rowless", False) for each in found.to_dict()["windows"]] == list(
        found.rowless
    )
    page = found._repr_html_()
    assert "no layer with attention rows" in page
    assert not found.effects("logprob_drop")[0, [0, 2]].any()


def test_flow_has_no_share_for_layers_without_rows(real: LoadedModel) -> None:
    flow = attention_flow(
        real, [(picture(), QUESTION, "red circle"), (picture(1), QUESTION, "dog")]
    )
    assert flow.row_layers == (3, 7) and flow.layers == 8
    held = flow.shares[..., (3, 7), :, :]
    np.testing.assert_allclose(held.sum(-1), 1.0, atol=1e-4)
    assert np.isnan(np.delete(flow.shares, [3, 7], axis=2)).all()
    values = flow.to_dict()
    curve = values["layer_curves"]["last"]["image"]
    assert [each is None for each in curve] == [layer not in (3, 7) for layer in range(8)]
    assert values["heads"]["last"]["image"][0] is None
    assert {row["layer"] for row in flow.rows()} == {3, 7}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "layers 3, 7 only" in flow._repr_html_() or flow.view()


def test_words_are_read_in_layers_with_rows(real: LoadedModel) -> None:
    answer = token_grounding(real, picture(), QUESTION, "the red circle")
    word = answer.words[1]
    assert np.isnan(np.delete(word.maps, [3, 7], axis=0)).all()
    assert not np.isnan(word.maps[[3, 7]]).any()
    np.testing.assert_allclose(answer.map_of(1, (2, 5)), word.maps[3], rtol=1e-6)
    np.testing.assert_allclose(answer.map_of(1, (0, 7)), word.maps[[3, 7]].mean(0), rtol=1e-6)
    with pytest.raises(AttentionError, match="None of the layers 4 to 6"):
        answer.map_of(1, (4, 6))
    assert {row["layer"] for row in answer.rows()} == {3, 7}
    assert '"image_attention": [null, null, null' in answer.to_json().replace("\n", "")
    assert answer._repr_html_()


def test_heads_are_discovered_and_verified_where_there_are_some() -> None:
    model = made("qwen3.5")
    samples = [(picture(seed), PHRASE) for seed in range(3)]
    heads = vs.discover_heads(
        model, samples, DiscoveryOptions(trials=5, skip_layers=0), progress=False
    )
    assert {head.layer for head in heads.heads} <= {1, 2} and heads.shape == (4, 8)
    boxed = [(picture(seed), PHRASE, (10, 10, 60, 50)) for seed in range(3, 6)]
    verified = vs.verify_heads(model, heads, boxed, progress=False)
    assert verified.evidence is not None
    grounded = vs.ground(model, picture(), PHRASE, heads=heads)
    assert grounded.heatmap.shape == (70, 110)


# -- keys that an indexer picks ----------------------------------------------------------


def test_rows_are_those_of_the_keys_that_were_picked() -> None:
    model = qwen4_exp(budget=8)
    encoded = model.encode([picture()], [PHRASE])
    with vs.capture(model, rows="phrase", keys="all") as trace:
        vs.prefill(model, picture(), PHRASE)
    kernel = model.decoder.config._attn_implementation
    model.decoder.set_attn_implementation("eager")
    with torch.no_grad():
        attentions = model.hf(**encoded.inputs, output_attentions=True).attentions
    model.decoder.set_attn_implementation(kernel)
    rows = trace.token_map.positions("phrase")
    kept = [each for each in attentions if each is not None]
    expected = torch.stack([each[0][:, rows] for each in kept])
    torch.testing.assert_close(trace.maps, expected, atol=1e-5, rtol=0)
    read = (trace.maps > 0).sum(-1)
    assert read.max() <= 8 + 3 < encoded.length  # a budget, and what fills no block yet
