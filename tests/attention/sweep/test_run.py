"""The engine of sweeps: hand-made masks, exact zeros, nothing computed twice, nothing left behind."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.attention.sweep import KnockoutSpec, sweep
from vlmscope.attention.sweep.effects import compare
from vlmscope.errors import AttentionError, BadSampleError, UnknownNameError, VlmscopeWarning
from vlmscope.models import LoadedModel, Prompt

PROMPT = Prompt("the small red circle on the left", answer="a large blue star")
EDGES = {
    "image->query": [("image", "query")],
    "image->query+generated": [("image", "query"), ("image", "generated")],
    "query->generated": [("query", "generated")],
    "image->image": [("image", "image")],
    "system->text": [("system", "text")],
}


@cache
def strong(kind: str) -> LoadedModel:
    """A random model in which attention decides what comes out: effects are large against bounds."""
    model = llava(kind, seed=7)
    for layer in model.layers:
        layer.self_attn.v_proj.weight.data *= 12
        layer.self_attn.o_proj.weight.data *= 12
    model.hf.lm_head.weight.data *= 20
    return model


def picture(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (50, 64, 3), dtype=np.uint8)


def by_masks(model: LoadedModel, spec: KnockoutSpec, last_row: str = "query") -> np.ndarray:
    """The answer's log-probabilities in a whole eager pass under additive masks made here."""
    encoded = model.encode([picture()], [PROMPT], preset="chat")
    tokens = encoded.token_maps[0]
    roles = {name: set(tokens.positions(name).tolist()) for name in ("system", "image", "query")}
    roles["text"] = roles["system"] | roles["query"]
    roles["generated"] = set(tokens.positions("generated").tolist())
    if last_row == "generated":
        last = max(roles["text"])
        roles["generated"].add(last)
        roles["query"].discard(last)
        roles["text"].discard(last)
    block = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
    for source, target in spec.edges:
        for row in roles[target]:
            block[row, list(roles[source] - {row})] = True

    def edit(module: torch.nn.Module, args: tuple, kwargs: dict) -> tuple:
        mask = kwargs["attention_mask"].expand(-1, 8, -1, -1).clone()
        heads = list(range(8) if spec.heads is None else spec.heads)
        mask[:, heads] = mask[:, heads].masked_fill(block, torch.finfo(mask.dtype).min)
        return args, {**kwargs, "attention_mask": mask}

    hooks = [
        model.layers[number].register_forward_pre_hook(edit, with_kwargs=True)
        for number in spec.layers
    ]
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            logits = model.hf(**encoded.inputs).logits[0].log_softmax(-1)
    finally:
        model.decoder.set_attn_implementation("sdpa")
        for hook in hooks:
            hook.remove()
    rows = torch.tensor(sorted(tokens.positions("generated").tolist()))
    ids = encoded.inputs["input_ids"][0, rows]
    return logits[rows - 1, ids].double().numpy()


@pytest.mark.parametrize("last_row", ["query", "generated"])
@pytest.mark.parametrize("kind", ["llama", "llama-gqa", "mistral", "qwen2"])
def test_effects_are_those_of_hand_made_masks(kind: str, last_row: str) -> None:
    model = strong(kind)
    specs = [
        KnockoutSpec(tuple(edges), layers, heads)
        for edges in EDGES.values()
        for layers, heads in [((0,), None), ((1, 2), None), ((3,), (0, 5)), ((0, 1, 2, 3), (2,))]
    ]
    found = sweep(model, picture(), PROMPT, specs, preset="chat", last_row=last_row)
    assert found.resumed
    moved = 0.0
    for spec, effect in zip(specs, found.effects, strict=True):
        expected = by_masks(model, spec, last_row)
        np.testing.assert_allclose(effect.logprobs, expected, atol=1e-4, err_msg=str(spec))
        moved = max(moved, float(np.abs(expected - found.answer.logprobs).max()))
    assert moved > 1.0, "the bound says nothing about models that no knock-out moves"


def test_small_batches_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = strong("mistral")
    specs = [KnockoutSpec((("image", "query"),), (layer,)) for layer in range(4)]
    specs += [
        KnockoutSpec((("image", "query"),), (layer,), (head,))
        for layer in (1, 3)
        for head in (0, 7)
    ]
    whole = sweep(model, picture(), PROMPT.text, specs, preset="chat", ask=True, max_new_tokens=6)
    monkeypatch.setattr("vlmscope.attention.sweep.batch._BATCH_ROWS", 1)
    alone = sweep(model, picture(), PROMPT.text, specs, preset="chat", ask=True, max_new_tokens=6)
    for one, other in zip(whole.effects, alone.effects, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-4)
        assert one.answer == other.answer and one.changed == other.changed


def test_the_image_runs_once_and_replays_start_at_their_first_blocked_layer() -> None:
    model = strong("llama")
    rows: list[tuple[int, int]] = []
    hooks = [
        layer.mlp.register_forward_hook(
            lambda module, args, out, n=n: rows.append((n, out.shape[0] * out.shape[1]))
        )
        for n, layer in enumerate(model.layers)
    ]
    specs = [KnockoutSpec((("image", "query"),), (layer,)) for layer in range(4)]
    try:
        sweep(model, picture(), PROMPT, specs, preset="chat")
    finally:
        for hook in hooks:
            hook.remove()
    tokens = vs.token_map(model, picture(), PROMPT, preset="chat")
    query = len(tokens.positions("query"))
    replayed = query + len(tokens.positions("generated")) - 1  # the last token's row is never read
    # the whole pass, its text once more, then the replays that have started; the last layer's needs
    # no row before the one that is read first
    of_last = replayed - (query - 1)
    expected = {n: len(tokens) + replayed + (min(n, 2) + 1) * replayed for n in range(4)}
    expected[3] += of_last
    assert {n: sum(count for at, count in rows if at == n) for n in range(4)} == expected


def test_the_same_knockout_under_two_names_runs_once() -> None:
    model = strong("llama")
    specs = [
        KnockoutSpec((("image", "query"),), (1,)),
        KnockoutSpec((("image", "query"), ("query", "image")), (1,)),
        KnockoutSpec((("image", "query"), ("image", "phrase")), (1,)),
    ]
    first, *others = sweep(model, picture(), PROMPT, specs, preset="chat").effects
    assert first.replayed and all(other is first for other in others)


def test_edges_out_of_a_sliding_window_carry_nothing() -> None:
    model = llava("mistral")
    model.decoder.config.sliding_window = 4  # the answer's rows no longer reach the image
    spec = KnockoutSpec((("image", "generated"),), (0, 1, 2, 3))
    found = sweep(model, picture(), PROMPT, [spec], preset="chat")
    assert not found.effects[0].replayed
    assert np.array_equal(found.effects[0].logprobs, found.answer.logprobs)


def test_a_decoder_that_cannot_be_resumed_runs_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmscope.attention.sweep.clean_run import CleanRun

    model = strong("llama")
    specs = [KnockoutSpec((("image", "query"),), (1,)), KnockoutSpec((("image", "query"),), (2,))]
    expected = sweep(model, picture(), PROMPT, specs, preset="chat")
    right = CleanRun.position_ids
    monkeypatch.setattr(
        CleanRun,
        "position_ids",
        lambda self, start, end, batch=1: right(self, start, end, batch) // 2,
    )
    with pytest.warns(VlmscopeWarning, match="cannot be resumed"):
        found = sweep(model, picture(), PROMPT, specs, preset="chat")
    assert expected.resumed and not found.resumed
    for one, other in zip(expected.effects, found.effects, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-3)


def test_nothing_is_left_on_the_model_even_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    model = strong("qwen2")
    before = {name: id(value) for name, value in model.layers[0].__dict__.items()}

    def fail(*_: object) -> None:
        raise RuntimeError("in the middle of a pass")

    hook = model.layers[2].register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="middle"):
            sweep(
                model, picture(), PROMPT, [KnockoutSpec((("image", "query"),), (1,))], preset="chat"
            )
    finally:
        hook.remove()
    assert {name: id(value) for name, value in model.layers[0].__dict__.items()} == before
    assert model.decoder.config._attn_implementation == "sdpa"


def test_bad_calls_are_refused() -> None:
    model = strong("llama")
    spec = KnockoutSpec((("image", "query"),), (1,))
    with vs.capture(model), pytest.raises(AttentionError, match="inside a capture"):
        sweep(model, picture(), PROMPT, [spec])
    with pytest.raises(AttentionError, match="layers 0 to 3"):
        sweep(model, picture(), PROMPT, [KnockoutSpec(spec.edges, (4,))])
    with pytest.raises(AttentionError, match="at least one"):
        sweep(model, picture(), PROMPT, [])
    with pytest.raises(UnknownNameError, match="generated"):
        sweep(model, picture(), PROMPT, [spec], last_row="answer")
    with pytest.raises(BadSampleError, match="no tokens"):
        sweep(model, picture(), Prompt("a star", answer=" "), [spec])


def test_rounding_of_logits_is_no_effect() -> None:
    """What two kernels differ by is not taken for a change of the distribution."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(3, 5000, generator=generator) * 4
    noise = torch.randn(2, 3, 5000, generator=generator) * 2e-6
    ids = torch.zeros(3, dtype=torch.long)
    assert float(compare(clean, clean + noise, ids).kl.max()) < 1e-10
    moved = clean.clone()
    moved[:, 0] += 1.0
    p, q = clean.double().log_softmax(-1), moved.double().log_softmax(-1)
    expected = (p.exp() * (p - q)).sum(-1)
    torch.testing.assert_close(compare(clean, moved[None], ids).kl[0], expected)
