"""What has left is not computed: equal to a pass in which nothing that stays may read it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import builds, made
from vlmscope.attention import shared_prefix
from vlmscope.attention.forced import encode_forced, run_forced
from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding
from vlmscope.attention.lightening.thinner import WAYS
from vlmscope.errors import AttentionError, BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.models import LoadedModel

PHRASE = "the small red circle on the left"
BUILDS = builds()
UNCROSSED = [name for name, build in BUILDS.items() if not build.cross]
WHOLE = [
    name
    for name in UNCROSSED
    if made(name).family.recurrent or not made(name).family.layers_stand_alone(made(name).hf)
]
DEFINED = [name for name in UNCROSSED if name not in WHOLE]
CROSSED = [name for name, build in BUILDS.items() if build.cross]
# their sliding windows are shorter than the prompt: it can be read, but not answered
SHORT = [
    "exaone-4.5-window",
    "gemma3-window",
    "gemma4-window",
    "llama4-chunks",
    "llava-mistral",
    "muse-glimmer-window",
    "paligemma-2",
]
WINDOWED = [name for name in SHORT if name in BUILDS]
# its masks of a decoding pass are as wide as one layer's cache: answers are refused, see its limits
NARROW = ["gemma4-unified"]
ANSWERED = [name for name in DEFINED if name not in (*WINDOWED, *NARROW)]
TOLERANCE = 1e-4


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def whole_logits(model: LoadedModel, prompt: str = PHRASE) -> tuple[torch.Tensor, vs.TokenMap]:
    """Logits of every position of a prompt, and its token map."""
    encoded = model.encode([picture()], [prompt])
    with instrument(model) as active, model.frozen(), active.bound(Binding(encoded.token_maps)):
        positions = torch.arange(encoded.length)
        out = model.family.forward(model.hf, positions, **encoded.inputs)[0]
    return out, encoded.token_maps[0]


def first_layer(model: LoadedModel) -> int:
    """The first layer behind which image tokens may leave."""
    return model.family.image_enters_until(model.hf)


def unread(dropped: np.ndarray, length: int) -> list[tuple[list[int], list[int]]]:
    """Edges from what left to everything that stays."""
    stays = np.setdiff1d(np.arange(length), dropped)
    return [(dropped.tolist(), stays.tolist())]


@pytest.mark.parametrize("name", DEFINED)
def test_equals_a_masked_pass(name: str) -> None:
    model = made(name)
    after, count = first_layer(model), len(model.layers)
    with vs.lighten(model, drop_image_after=after, keep=0.4) as thin:
        light, tokens = whole_logits(model)
    total = len(tokens.image_positions)
    assert len(thin.dropped) == total - math.ceil(round(0.4 * total, 6)) > 0
    assert set(thin.kept) | set(thin.dropped) == set(tokens.positions("image"))
    with vs.knockout(model, unread(thin.dropped, len(tokens)), layers=range(after + 1, count)):
        masked, _ = whole_logits(model)
    stays = np.setdiff1d(np.arange(len(tokens)), thin.dropped)
    torch.testing.assert_close(light[stays], masked[stays], atol=TOLERANCE, rtol=0)
    clean, _ = whole_logits(model)
    assert (light[-1] - clean[-1]).abs().max() > 0


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_under_it_is_that_of_a_masked_pass_and_its_cache_is_shorter(name: str) -> None:
    model = made(name)
    after, count = first_layer(model), len(model.layers)
    silent = sorted(
        {
            *model.processor.tokenizer.all_special_ids,
            *model.processor.tokenizer.added_tokens_decoder,
        }
    )
    options = {"max_new_tokens": 4, "min_new_tokens": 4, "suppress_tokens": silent}
    with vs.lighten(model, drop_image_after=after, keep=0.3) as thin:
        out = vs.prefill(model, picture(), PHRASE)
        answer = vs.generate(model, picture(), PHRASE, **options)
    length, lost = len(out.token_map), len(thin.dropped)
    held = [layer.keys.shape[2] for layer in out.cache.layers]
    assert held == [length] * (after + 1) + [length - lost] * (count - after - 1)
    encoded = encode_forced(model, picture(), PHRASE, answer.ids)
    edges = unread(thin.dropped, encoded.length)
    with vs.knockout(model, edges, layers=range(after + 1, count)):
        masked, _ = run_forced(model, encoded)
        again = vs.generate(model, picture(), PHRASE, **options)
    with vs.lighten(model, drop_image_after=after, keep=0.3):
        forced, _ = run_forced(model, encoded)
    torch.testing.assert_close(forced, masked, atol=TOLERANCE, rtol=0)
    assert answer.ids.tolist() == again.ids.tolist()


@pytest.mark.parametrize("name", DEFINED)
def test_behind_the_last_layer_it_is_the_model_as_it_is(name: str) -> None:
    model = made(name)
    clean = vs.prefill(model, picture(), PHRASE).logits
    with vs.lighten(model, drop_image_after=len(model.layers) - 1, keep=0.1):
        last = vs.prefill(model, picture(), PHRASE).logits
    with vs.lighten(model, read=(0, len(model.layers) - 1)):
        read = vs.prefill(model, picture(), PHRASE).logits
    with vs.lighten(model, drop_image_after=first_layer(model), keep=0.1):
        vs.prefill(model, picture(), PHRASE)
    after = vs.prefill(model, picture(), PHRASE).logits
    assert torch.equal(clean, last) and torch.equal(clean, read) and torch.equal(clean, after)


@pytest.mark.parametrize("name", DEFINED)
def test_a_window_of_layers_equals_a_knockout_outside_it(name: str) -> None:
    model = made(name)
    count = len(model.layers)
    first, last = 1, max(1, first_layer(model))
    with vs.lighten(model, read=(first, last)) as thin:
        light = vs.prefill(model, picture(), PHRASE)
    tokens = light.token_map
    assert thin.dropped.tolist() == tokens.positions("image").tolist() and not len(thin.kept)
    outside = [layer for layer in range(count) if not first <= layer <= last]
    with vs.knockout(model, [("image", "text")], layers=outside):
        masked = vs.prefill(model, picture(), PHRASE).logits
    torch.testing.assert_close(light.logits, masked, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", WINDOWED)
def test_short_windows_are_refused_when_the_prompt_is_gone_on_from(name: str) -> None:
    model = made(name)
    with vs.lighten(model, drop_image_after=1, keep=0.3):
        with pytest.raises(UnsupportedError, match="sliding window of|count keys from"):
            vs.generate(model, picture(), PHRASE, max_new_tokens=2, min_new_tokens=2)


@pytest.mark.parametrize("name", CROSSED)
def test_cross_attention_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"{name}.*cross-attention"):
        with vs.lighten(made(name), drop_image_after=1, keep=0.3):
            pass


@pytest.mark.parametrize("name", WHOLE)
def test_layers_that_take_more_than_hidden_states_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match="more than the hidden states below|carries a state"):
        with vs.lighten(made(name), drop_image_after=1, keep=0.3):
            pass


def test_an_image_that_still_enters_cannot_leave_yet() -> None:
    model = made("qwen3-vl")
    enters = model.family.image_enters_until(model.hf)
    assert enters > 0
    with pytest.raises(UnsupportedError, match=f"still enters behind layer {enters}"):
        with vs.lighten(model, drop_image_after=enters - 1):
            pass


# -- which stay --------------------------------------------------------------------------


def test_attention_keeps_what_the_last_row_reads_most() -> None:
    model = made("llava")
    with vs.capture(model, rows="last_text", layers=[1]) as trace:
        tokens = vs.prefill(model, picture(), PHRASE).token_map
    given = trace.maps[0].mean(dim=0)[0].numpy()
    count = math.ceil(0.25 * len(given))
    order = np.argsort(-given, kind="stable")
    kept = {}
    for by in WAYS:
        with vs.lighten(model, 1, 0.25, by=by, seed=3) as thin:
            vs.prefill(model, picture(), PHRASE)
        kept[by] = thin.kept
        assert len(thin.kept) == count
    places = tokens.image_positions
    assert kept["attention"].tolist() == sorted(places[order[:count]])
    assert kept["reversed"].tolist() == sorted(places[order[-count:]])
    assert kept["first"].tolist() == sorted(places)[:count]
    steps = np.diff(kept["even"])
    assert steps.min() >= 3 and steps.max() <= 5
    assert len({tuple(each) for each in kept.values()}) == len(WAYS)


def test_the_seed_alone_says_which_random_ones_stay() -> None:
    model, kept = made("llava"), []
    for seed in (0, 0, 1):
        with vs.lighten(model, 1, by="random", seed=seed) as thin:
            vs.prefill(model, picture(), PHRASE)
        kept.append(thin.kept.tolist())
    assert kept[0] == kept[1] != kept[2]


# -- together with the rest --------------------------------------------------------------


def test_captures_and_knockouts_see_the_sequence_without_what_left() -> None:
    model = made("llava")
    blocked = [("system", "query")]
    with vs.lighten(model, 0, 0.5) as thin, vs.knockout(model, blocked, layers=[2]):
        with vs.capture(model, rows="phrase", keys="all") as light:
            logits = vs.prefill(model, picture(), PHRASE).logits
    gone = unread(thin.dropped, len(light.token_map))
    with vs.knockout(model, gone, layers=range(1, 4)), vs.knockout(model, blocked, layers=[2]):
        with vs.capture(model, rows="phrase", keys="all") as masked:
            reference = vs.prefill(model, picture(), PHRASE).logits
    torch.testing.assert_close(logits, reference, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(light.maps, masked.maps, atol=1e-5, rtol=0)
    assert light.maps[1:][..., thin.dropped].abs().max() == 0
    with vs.lighten(model, 0, 0.5), vs.capture(model, rows="generated", keys="all") as steps:
        vs.generate(model, picture(), PHRASE, max_new_tokens=3, min_new_tokens=3)
    assert steps.maps[1:][..., thin.dropped].abs().max() == 0
    torch.testing.assert_close(steps.maps.sum(-1), torch.ones(4, 8, 3))


def test_rows_of_what_left_are_zero() -> None:
    model = made("llava")
    with vs.lighten(model, 1, 0.5) as thin:
        vs.prefill(model, picture(), PHRASE)
        row = int(thin.dropped[0])
        with vs.capture(model, rows=[row], keys="all") as trace:
            vs.prefill(model, picture(), PHRASE)
    assert trace.maps[:2].sum() > 0 and trace.maps[2:].abs().max() == 0


def test_an_early_stop_below_the_drop_and_behind_it() -> None:
    model = made("llava")
    with vs.lighten(model, 1, 0.5):
        assert vs.prefill(model, picture(), PHRASE, stop_after=0).logits is None
        assert vs.prefill(model, picture(), PHRASE, stop_after=2).logits is None
        assert vs.prefill(model, picture(), PHRASE).logits is not None


def test_other_threads_are_left_alone() -> None:
    model = made("llava")
    clean = vs.prefill(model, picture(), PHRASE).logits
    with vs.lighten(model, 1, 0.1), ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: vs.prefill(model, picture(), PHRASE).logits).result()
        mine = vs.prefill(model, picture(), PHRASE).logits
    assert torch.equal(clean, other) and not torch.equal(clean, mine)


# -- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [-1, 4, 1.5, True, "1"])
def test_a_layer_that_does_not_exist(layer: object) -> None:
    with pytest.raises(BadOptionError, match="drop_image_after takes a whole number from 0 to 3"):
        with vs.lighten(made("llava"), layer):
            pass


@pytest.mark.parametrize("keep", [0, 0.0, 1, 1.0, -0.1, math.nan, math.inf, True, None, "a"])
def test_a_share_that_is_none(keep: object) -> None:
    with pytest.raises(BadOptionError, match="above 0 and below 1, got"):
        with vs.lighten(made("llava"), 1, keep):
            pass


@pytest.mark.parametrize("read", [(2, 1), (0, 4), (-1, 2), 3, "01", (0, 1, 2)])
def test_a_window_that_is_none(read: object) -> None:
    with pytest.raises(BadOptionError, match="read takes"):
        with vs.lighten(made("llava"), read=read):
            pass


@pytest.mark.parametrize("given", [{}, {"drop_image_after": 1, "read": (0, 1)}])
def test_both_ways_or_neither(given: dict) -> None:
    with pytest.raises(BadOptionError, match="either drop_image_after=LAYER or read="):
        with vs.lighten(made("llava"), **given):
            pass


def test_an_unknown_way_of_choosing() -> None:
    with pytest.raises(UnknownNameError, match="by"):
        with vs.lighten(made("llava"), 1, by="atention"):
            pass


def test_passes_that_cannot_be_made_shorter() -> None:
    model = made("llava")
    full = vs.prefill(model, picture(), PHRASE)
    with vs.lighten(model, 1, 0.5):
        with pytest.raises(UnsupportedError, match="one prompt to a pass, got 2"):
            vs.prefill(model, picture(), [PHRASE, "pizza"])
        with pytest.raises(UnsupportedError, match="ends with the image"):
            shared_prefix(model, picture()).answer("pizza", 2)
        with pytest.raises(UnsupportedError, match="num_beams=2"):
            vs.generate(model, picture(), PHRASE, num_beams=2)
        inputs = model.encode([picture()], [PHRASE]).inputs
        with pytest.raises(AttentionError, match="which positions are the image's"):
            model.hf(**inputs)
        with pytest.raises(AttentionError, match="not filled inside"):
            model.decoder(input_ids=torch.tensor([[5]]), past_key_values=full.cache)
        with pytest.raises(UnsupportedError, match="One vs.lighten is active"):
            with vs.lighten(model, 2, 0.5):
                pass
    with vs.lighten(model, 1, 0.5) as thin, pytest.raises(AttentionError, match="No prompt"):
        thin.kept  # noqa: B018
