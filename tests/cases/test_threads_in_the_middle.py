"""A plain pass of the same model in another thread, run in the very middle of one of ours.

The other thread is let run at a chosen layer of our pass, and waited for there: what each would change
for the other shows every time.
"""

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

import lvlms
import vlmscope as vs
from families import llava
from vlmscope.attention.sweep import KnockoutSpec, sweep
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.rotary import moving_frequencies

MROPE = ["qwen2-vl", "qwen2.5-vl", "qwen3-vl", "glm-4v"]
RNG = np.random.default_rng(5)
OURS = RNG.integers(0, 255, (60, 170, 3), dtype=np.uint8)
THEIRS = RNG.integers(0, 255, (250, 240, 3), dtype=np.uint8)  # another grid, another offset


@contextlib.contextmanager
def in_the_middle(
    layer: torch.nn.Module, work: Callable[[], Any], *, visit: int = 1
) -> Iterator[list[Any]]:
    """At this thread's so-manieth visit of the layer, ``work`` is done in another thread."""
    outcomes: list[Any] = []
    thread, visits = threading.get_ident(), 0

    def pause(*args: Any) -> None:
        nonlocal visits
        if threading.get_ident() != thread:
            return
        visits += 1
        if visits == visit:
            with ThreadPoolExecutor(1) as pool:
                outcomes.append(pool.submit(work).result(timeout=60))

    hook = layer.register_forward_pre_hook(pause)
    try:
        yield outcomes
    finally:
        hook.remove()
    assert outcomes, "the pass never came to this layer"


def plain_inputs(model: LoadedModel, image: np.ndarray, phrase: str) -> dict[str, Any]:
    inputs = dict(model.encode([image], [phrase]).inputs)
    inputs.pop("position_ids")
    return inputs


def answer(model: LoadedModel) -> list[int]:
    words = model.processor.tokenizer
    stop = sorted({*words.all_special_ids, *words.added_tokens_decoder})
    settings = {"suppress_tokens": stop, "min_new_tokens": 5, "max_new_tokens": 5}
    return vs.generate(model, OURS, "the red circle", **settings).ids.tolist()


class Conversation:
    """Somebody's own loop over a cache, as transformers documents it."""

    def __init__(self, hf: Any, inputs: dict[str, Any]) -> None:
        self.hf = hf
        with torch.no_grad():
            out = hf(**inputs, use_cache=True)
        self.cache, self.token = out.past_key_values, out.logits[:, -1:].argmax(-1)

    def step(self) -> torch.Tensor:
        """The next logits; can be asked again."""
        cache = copy.deepcopy(self.cache)
        with torch.no_grad():
            return self.hf(input_ids=self.token, past_key_values=cache, use_cache=True).logits


@pytest.mark.parametrize("name", MROPE)
def test_a_decoding_step_of_theirs_between_two_of_ours(name: str) -> None:
    model = lvlms.made(name)
    alone = answer(model)
    inputs = plain_inputs(model, THEIRS, "a dog")
    theirs = Conversation(model.hf, inputs)
    wanted = theirs.step()
    remembered = model.hf.model.rope_deltas
    with in_the_middle(model.layers[1], theirs.step, visit=3) as outcomes:
        assert answer(model) == alone
    assert torch.equal(outcomes[0], wanted)
    assert torch.equal(theirs.step(), wanted)
    assert model.hf.model.rope_deltas is remembered


@pytest.mark.parametrize("name", MROPE)
def test_a_generation_of_theirs_begun_in_the_middle_of_ours_can_be_gone_on_with(name: str) -> None:
    model = lvlms.made(name)
    alone = answer(model)
    inputs = plain_inputs(model, THEIRS, "a dog")
    theirs = Conversation(model.hf, inputs)
    wanted = theirs.step()
    model.hf.model.rope_deltas = None
    with in_the_middle(
        model.layers[1], lambda: Conversation(model.hf, inputs), visit=2
    ) as outcomes:
        assert answer(model) == alone
    assert torch.equal(outcomes[0].step(), wanted)


@pytest.mark.parametrize("name", ["blip-2", "instructblip"])
def test_a_pass_of_theirs_while_a_qformer_is_watched(name: str) -> None:
    model = lvlms.made(name)
    inputs = dict(model.encode([THEIRS], ["a dog"]).inputs)

    def plain() -> torch.Tensor:
        with torch.no_grad():
            return model.hf(**inputs).logits

    alone, wanted = vs.token_map(model, OURS, "the red circle"), plain()
    with in_the_middle(model.hf.qformer.encoder.layer[1], plain) as outcomes:
        watched = vs.token_map(model, OURS, "the red circle")
    assert torch.equal(outcomes[0], wanted)
    assert np.array_equal(watched.carries[0].shares, alone.carries[0].shares)
    assert model.hf.qformer.config._attn_implementation == "sdpa"


def stretched(kind: str) -> LoadedModel:
    """A model whose rotary frequencies move beyond 48 positions."""
    model = llava(sharpen=2.0)
    config = model.decoder.config
    halves = config.hidden_size // config.num_attention_heads // 2
    more = {"short_factor": [1.0] * halves, "long_factor": [3.0] * halves}
    config.max_position_embeddings = 48
    config.rope_parameters = {
        "rope_type": kind,
        "rope_theta": 10000.0,
        "factor": 4.0,
        "original_max_position_embeddings": 48,
        **(more if kind == "longrope" else {}),
    }
    model.decoder.rotary_emb = type(model.decoder.rotary_emb)(config)
    return model


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_frequencies_that_a_long_sequence_moves(kind: str) -> None:
    model = stretched(kind)
    rotary = model.decoder.rotary_emb

    def state() -> tuple[Any, ...]:
        return rotary.inv_freq.clone(), getattr(rotary, "max_seq_len_cached", None)

    def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return torch.equal(one[0], other[0]) and one[1] == other[1]

    def ours() -> torch.Tensor:
        with vs.capture(model, rows="generated") as trace:
            vs.generate(model, OURS, "a dog", min_new_tokens=40, max_new_tokens=40)
        return trace.maps

    def plain(length: int) -> tuple[Any, ...]:
        with torch.no_grad():
            model.decoder(input_ids=torch.full((1, length), 7))
        return state()

    fresh, alone = state(), ours()
    assert same(state(), fresh)
    short, long = plain(20), plain(200)
    assert not same(short, long)
    # their long pass is what the model remembers: ours neither read it nor put it away
    with in_the_middle(model.layers[1], state, visit=30) as outcomes:
        assert torch.equal(ours(), alone)
    assert same(outcomes[0], long) and same(state(), long)
    with in_the_middle(model.layers[1], lambda: plain(20), visit=30) as outcomes:
        assert torch.equal(ours(), alone)
    assert same(outcomes[0], short) and same(state(), short)
    assert dict(moving_frequencies(model.decoder)) and type(rotary).__mro__[1] is torch.nn.Module


def test_a_pass_of_theirs_in_the_middle_of_a_sweep_of_knockouts() -> None:
    model = llava()
    inputs = plain_inputs(model, THEIRS, "a dog")
    specs = [KnockoutSpec((("image", "last"),), (layer,)) for layer in (1, 2)]

    def plain() -> torch.Tensor:
        with torch.no_grad():
            return model.hf(**inputs).logits

    def ours() -> list[Any]:
        result = sweep(model, OURS, Prompt("what colour is it", answer="the dog"), specs)
        return [each.tolist() for effect in result.effects for each in (effect.logprobs, effect.kl)]

    wanted, alone = plain(), ours()
    for visit in range(1, 4):  # the whole prompt, its end again, and a replay
        with in_the_middle(model.layers[2], plain, visit=visit) as outcomes:
            assert ours() == alone
        assert torch.equal(outcomes[0], wanted)


def visible(model: LoadedModel) -> dict[str, Any]:
    """Whatever is on the model for everybody to read, but for the instruments in the decoder."""
    ours = ("_vlmscope", "generate", "_forward_pre_hooks")
    seen: dict[str, Any] = {}
    for path, module in model.hf.named_modules():
        for name in {*vars(module), *module._buffers}:
            value = getattr(module, name)
            if not name.startswith(ours) and not isinstance(value, dict | torch.nn.Parameter):
                plain = isinstance(value, bool | int | float | str | None)
                seen[f"{path}.{name}"] = value if plain else id(value)
        config = getattr(module, "config", None)
        if (
            config is not model.decoder.config
        ):  # that one names the twin, which others run as theirs
            seen[f"{path}.kernel"] = getattr(config, "_attn_implementation", None)
    return seen


@pytest.mark.parametrize("name", list(lvlms.builds()))
def test_no_pass_writes_on_a_model_where_others_read(name: str) -> None:
    model = lvlms.made(name)
    answer(model)  # transformers prepares a model for the first pass of anybody

    def look() -> dict[str, Any]:
        return visible(model)

    before = look()
    for visit in (1, 3):  # the prompt, and an answer's second token
        with in_the_middle(model.layers[-1], look, visit=visit) as outcomes:
            answer(model)
        assert outcomes[0] == before
    assert look() == before
