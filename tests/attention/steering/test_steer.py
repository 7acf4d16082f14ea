"""Logits of chosen heads grow by a finite amount, and by nothing at strength 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import builds, made
from vlmscope.attention.steering.steer import steer
from vlmscope.errors import AttentionError, BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.post.coverage import box_coverage
from vlmscope.types import Head, HeadSet

PHRASE = "the small red circle on the left"
BOX = (10.0, 5.0, 60.0, 40.0)
BUILDS = builds()
CROSSED = [name for name, build in BUILDS.items() if build.cross]
QUERIES = [name for name in BUILDS if name.startswith(("blip-2", "instructblip"))]
PLACED = [name for name in BUILDS if name not in (*CROSSED, *QUERIES)]


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def some_heads(model: LoadedModel) -> list[tuple[int, int]]:
    """Heads of two layers; where the image is read by cross-attention, of a layer that reads it."""
    heads, rows = model.decoder_shape[1], model.row_layers
    reading = sorted(model.family.cross_layers(model.hf)) or [rows[len(rows) > 2], rows[-1]]
    return [(reading[0], 0), (reading[0], heads - 1), (reading[-1], heads // 2)]


def read(model: LoadedModel, rows: str = "last_text") -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and float (layers with rows, heads, rows, image tokens) of a pass."""
    with vs.capture(model, rows=rows) as trace:
        logits = vs.prefill(model, picture(), PHRASE).logits
    return logits, trace.maps


@pytest.mark.parametrize("name", [*PLACED, *CROSSED])
def test_the_odds_of_chosen_tokens_grow_by_the_exponential_of_the_strength(name: str) -> None:
    """In the first steered layer, whose input is the clean one, odds are known exactly."""
    model = made(name)
    heads = some_heads(model)
    clean_logits, clean = read(model)
    with steer(model, heads, BOX, strength=2.5):
        logits, drawn = read(model)
    tokens = vs.token_map(model, picture(), PHRASE)
    factors = torch.from_numpy(np.exp(2.5 * box_coverage(tokens, BOX))).float()
    layer = heads[0][0]
    chosen, number = [head for at, head in heads if at == layer], model.row_layers.index(layer)
    for head in range(model.decoder_shape[1]):
        before, after = clean[number, head, 0], drawn[number, head, 0]
        if head not in chosen:
            torch.testing.assert_close(after, before, atol=1e-6, rtol=1e-5)
            continue
        elsewhere = 1 - before.sum()
        expected = before * factors / (elsewhere + (before * factors).sum())
        torch.testing.assert_close(after, expected, atol=2e-6, rtol=1e-4)
        assert after[factors > 1].sum() > before[factors > 1].sum()
    assert not torch.equal(logits, clean_logits)
    with steer(model, heads, BOX, strength=0):  # and what was there before is left as it was
        assert torch.equal(clean_logits, read(model)[0])


@pytest.fixture()
def eager_bias() -> Iterator[object]:
    """Hand-made additive masks of single layers, under transformers' own eager attention."""
    hooks = []

    def install(
        model: LoadedModel, layer: int, heads: list[int], rows: list[int], shift: np.ndarray
    ) -> None:
        def add(module: torch.nn.Module, args: tuple, kwargs: dict) -> tuple:
            mask = kwargs["attention_mask"]
            wide = mask.expand(-1, model.decoder_shape[1], -1, -1).clone()
            for head in heads:
                for row in rows:
                    wide[:, head, row] += torch.from_numpy(shift).to(wide)
            return args, {**kwargs, "attention_mask": wide}

        hooks.append(model.layers[layer].register_forward_pre_hook(add, with_kwargs=True))

    yield install
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("name", ["llava-llama", "llava-mistral", "qwen2-vl"])
def test_equals_an_eager_reference(name: str, eager_bias: object) -> None:
    if name not in BUILDS:
        name = next(each for each in PLACED if each.startswith(name.split("-")[0]))
    model = made(name)
    heads = [(0, 1), (1, 0)]
    with steer(model, heads, BOX, strength=-3.0):
        logits = vs.prefill(model, picture(), PHRASE).logits
    encoded = model.encode([picture()], [PHRASE])
    tokens = encoded.token_maps[0]
    shift = np.zeros(encoded.length)
    shift[tokens.image_positions] = -3.0 * box_coverage(tokens, BOX)
    for layer, head in heads:
        eager_bias(model, layer, [head], tokens.positions("query").tolist(), shift)  # type: ignore[operator]
    kernel = model.decoder.config._attn_implementation
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            expected = model.hf(**encoded.inputs).logits[:, -1]
    finally:
        model.decoder.set_attn_implementation(kernel)
    torch.testing.assert_close(logits, expected.float(), atol=1e-4, rtol=1e-4)


def test_an_answer_is_drawn_at_every_step() -> None:
    model = made(PLACED[0])
    heads = [(1, 0)]
    options = {"max_new_tokens": 4, "min_new_tokens": 4}
    with vs.capture(model, rows="generated", heads=heads) as trace, steer(model, heads, BOX, 8.0):
        answer = vs.generate(model, picture(), PHRASE, **options)
    chosen = torch.from_numpy(box_coverage(trace.token_map.of_image(0)[0], BOX) > 0)
    inside = trace.maps[0, 0][:, chosen].sum(-1)
    assert len(inside) == 4 and (inside > 0.9).all()
    assert len(answer.ids) == 4
    with vs.capture(model, rows="generated", heads=heads) as trace:
        with steer(model, heads, BOX, 8.0, rows=("query",)):
            vs.generate(model, picture(), PHRASE, **options)
    assert trace.maps[0, 0][:, chosen].sum(-1)[1:].max() < 0.9


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_batches_equal_single_runs(side: str) -> None:
    model = made(PLACED[0])
    phrases = [PHRASE, "pizza"]
    with steer(model, [(0, 0), (1, 1)], BOX, 3.0):
        batch = vs.prefill(model, picture(), phrases, padding_side=side).logits
        single = torch.cat([vs.prefill(model, picture(), phrase).logits for phrase in phrases])
    torch.testing.assert_close(batch, single, atol=1e-5, rtol=0)


def test_it_composes_with_a_knockout_and_a_shorter_sequence() -> None:
    model = made(PLACED[0])
    heads = [(1, 0)]
    with vs.capture(model, heads=heads) as trace, steer(model, heads, BOX, 6.0):
        with vs.knockout(model, [("image", "query")], layers=[1]):
            vs.prefill(model, picture(), PHRASE)
    assert trace.maps.abs().max() == 0
    with vs.capture(model, heads=heads) as trace, vs.lighten(model, 0, keep=0.5, by="even"):
        with steer(model, heads, BOX, 6.0):
            vs.prefill(model, picture(), PHRASE)
    chosen = torch.from_numpy(box_coverage(trace.token_map, BOX) > 0)
    assert trace.maps[0, 0, 0][chosen].sum() > 0.5


def test_a_mask_is_a_part_as_a_box_is() -> None:
    model = made(PLACED[0])
    mask = np.zeros((70, 110), dtype=bool)
    mask[5:40, 10:60] = True
    with steer(model, [(0, 0)], BOX, 4.0):
        by_box = vs.prefill(model, picture(), PHRASE).logits
    with steer(model, HeadSet(heads=(Head(0, 0),), model=model.id), mask, 4.0):
        by_mask = vs.prefill(model, picture(), PHRASE).logits
    torch.testing.assert_close(by_box, by_mask, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("towards", "said"),
    [
        ((1, 2, 3), "four finite numbers"),
        ((60, 5, 10, 40), "x0 <= x1"),
        ((0, 0, float("nan"), 5), "four finite numbers"),
        (None, "got None"),
        ("the left", "got 'the left'"),
        (np.zeros((70, 110), dtype=bool), "no pixel"),
    ],
)
def test_a_part_that_is_none_is_refused(towards: object, said: str) -> None:
    with pytest.raises(BadOptionError, match=said), steer(made(PLACED[0]), [(0, 0)], towards):  # type: ignore[arg-type]
        raise AssertionError


@pytest.mark.parametrize("strength", [float("inf"), float("nan"), "4", True, 1e9])
def test_a_strength_that_is_no_finite_number_is_refused(strength: object) -> None:
    with pytest.raises(BadOptionError, match="finite"):
        with steer(made(PLACED[0]), [(0, 0)], BOX, strength):  # type: ignore[arg-type]
            raise AssertionError


def test_what_cannot_be_steered_is_refused() -> None:
    model = made(PLACED[0])
    with pytest.raises(AttentionError, match="head 99"), steer(model, [(0, 99)], BOX):
        raise AssertionError
    with pytest.raises(AttentionError, match="No head"), steer(model, [], BOX):
        raise AssertionError
    with pytest.raises(UnknownNameError, match="row"):
        with steer(model, [(0, 0)], BOX, rows=("system",)):
            raise AssertionError
    with steer(model, [(0, 0)], (500.0, 500.0, 600.0, 600.0)):
        with pytest.raises(AttentionError, match="No image token"):
            vs.prefill(model, picture(), PHRASE)
    with steer(model, [(0, 0)], np.ones((5, 5), dtype=bool)):
        with pytest.raises(AttentionError, match="5 x 5"):
            vs.prefill(model, picture(), PHRASE)


@pytest.mark.parametrize("name", QUERIES)
def test_query_tokens_stand_for_no_place(name: str) -> None:
    model = made(name)
    with steer(model, [(0, 0)], BOX), pytest.raises(UnsupportedError, match="Q-Former"):
        vs.prefill(model, picture(), PHRASE)


@pytest.mark.parametrize("name", CROSSED)
def test_a_layer_without_the_image_is_refused(name: str) -> None:
    model = made(name)
    reading = model.family.cross_layers(model.hf)
    blind = next(layer for layer in range(len(model.layers)) if layer not in reading)
    with pytest.raises(UnsupportedError, match=f"Layer {blind}"):
        with steer(model, [(blind, 0)], BOX):
            raise AssertionError
