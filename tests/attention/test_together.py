"""Several images side by side, and several readings on one pass: the same as one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from lvlms import builds, made
from vlmscope.attention import HeadReading, MeanReading, Reading, read_images, read_together
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import Head

PHRASES = (Prompt("the red circle"), Prompt("a large blue star on the left"))
CAUSAL = [name for name in builds() if made(name).family.causal_image]


def picture(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def heads_of(model: LoadedModel) -> tuple[Head, ...]:
    first, second = model.row_layers[:2]
    return Head(second, 3), Head(first, 2)


def readings(model: LoadedModel, phrases: tuple[Prompt, ...]) -> list[Any]:
    layers = model.row_layers[:2]
    return [
        HeadReading(phrases, heads_of(model)),
        MeanReading(phrases, Reading("last_input", layers[1:])),
        MeanReading(phrases, Reading("last_text", layers, rest=True)),
    ]


def values(read: list[list[Any]]) -> list[np.ndarray]:
    heads, first, second = read
    return [
        *(each.maps for each in heads),
        *(each.mean for each in first),
        *(part for each in second for part in (each.mean, each.rest)),
    ]


def check(model: LoadedModel, pictures: list[np.ndarray], asked: list[tuple[Prompt, ...]]) -> None:
    together = read_images(model, pictures, [readings(model, phrases) for phrases in asked])
    for pixels, phrases, found in zip(pictures, asked, together, strict=True):
        alone = read_together(model, pixels, readings(model, phrases))
        for one, other in zip(values(found), values(alone), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5, rtol=0)
        assert [each.row_tokens for each in found[0]] == [each.row_tokens for each in alone[0]]
        assert found[0][0].token_map.image_size == pixels.shape[:2]


class Batches:
    """Batch sizes of the passes that an image goes through, and of those behind prefixes."""

    def __init__(self, model: LoadedModel) -> None:
        self.sizes: list[int] = []
        self.packs: list[int] = []
        self._decoder = model.decoder

    def __enter__(self) -> Batches:
        self._hook = self._decoder.register_forward_pre_hook(self._entered, with_kwargs=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _entered(self, module: torch.nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        if kwargs.get("inputs_embeds") is not None:
            self.sizes.append(kwargs["inputs_embeds"].shape[0])
        else:
            self.packs.append(kwargs["input_ids"].shape[0])


@pytest.mark.parametrize("name", list(builds()))
def test_images_side_by_side_are_read_as_each_alone(name: str) -> None:
    """Prefixes together, with sentences of each image's own; whole prompts where all are asked one."""
    model = made(name)
    pictures = [picture(1), picture(2), picture(3)]
    check(model, pictures, [PHRASES, PHRASES[::-1], PHRASES])
    check(model, pictures, [PHRASES[:1]] * 3)


@pytest.mark.parametrize(
    "name", ["llava", "qwen2.5-vl", "gemma3-window", "paligemma", "mllama", "instructblip"]
)
def test_prompts_of_other_images_ask_something_else(name: str) -> None:
    """Shorter ones are filled up on the right where nothing sees it, else those of one length go together."""
    model, longer = made(name), (Prompt("a large blue star on the left"), Prompt("the dog"))
    asked = [PHRASES[:1], longer[:1], longer[1:], PHRASES[:1]]
    pictures = [picture(seed) for seed in range(4)]
    with Batches(model) as seen:
        heads = read_images(
            model, pictures, [[HeadReading(each, heads_of(model))] for each in asked]
        )
    assert len(seen.sizes) <= 2 or not model.family.causal_image
    for pixels, phrases, [[read]] in zip(pictures, asked, heads, strict=True):
        [[alone]] = read_together(model, pixels, [HeadReading(phrases, heads_of(model))])
        np.testing.assert_allclose(read.maps, alone.maps, atol=1e-5, rtol=0)
        assert (read.row_tokens, read.token_map.tokens) == (
            alone.row_tokens,
            alone.token_map.tokens,
        )
    check(model, pictures, asked)


@pytest.mark.parametrize("name", [*CAUSAL, "mllama"])
def test_images_of_other_shapes_are_read_as_each_alone(name: str) -> None:
    pictures = [picture(1, 60, 120), picture(2, 120, 60), picture(3, 60, 120), picture(4, 33, 33)]
    check(made(name), pictures, [PHRASES] * 4)


def test_images_of_like_token_count_make_one_batch() -> None:
    model, pictures = made("qwen2-vl"), [picture(1, 60, 120), picture(2), picture(3, 60, 120)]
    counts = [len(model.encode([each], ["image"]).token_maps[0]) for each in pictures]
    assert counts[0] == counts[2] != counts[1]
    for phrases in (PHRASES, PHRASES[:1]):
        with Batches(model) as seen:
            read_images(model, pictures, [[HeadReading(phrases, heads_of(model))]] * 3)
        # whole prompts are first encoded all together; no pass is made of that
        assert sorted(seen.sizes) == [1, 2]


def test_readings_give_to_the_bit_what_each_gives_alone() -> None:
    model = llava()
    for phrases in (PHRASES, PHRASES[:1]):
        together = read_together(model, picture(1), readings(model, phrases))
        alone = [read_together(model, picture(1), [each])[0] for each in readings(model, phrases)]
        for one, other in zip(values(together), values(alone), strict=True):
            np.testing.assert_array_equal(one, other)


def test_prompts_of_far_lengths_are_not_filled_up() -> None:
    model, long = llava(), Prompt(" ".join(["the red circle"] * 40))
    with Batches(model) as seen:
        asked = [[HeadReading((each,), heads_of(model))] for each in (PHRASES[0], long, PHRASES[1])]
        read_images(model, [picture(1), picture(2), picture(3)], asked)
    assert sorted(seen.sizes) == [1, 2]


def test_rows_of_the_whole_query_need_prompts_that_mean_the_same() -> None:
    model, reading = llava(), Reading("last_text", (0, 1), rest=True)
    with Batches(model) as seen:
        asked = [[MeanReading((each,), reading)] for each in (*PHRASES, PHRASES[0])]
        read_images(model, [picture(1), picture(2), picture(3)], asked)
    assert sorted(seen.sizes) == [1, 2]


def test_phrases_of_all_images_are_packed_behind_all_prefixes_in_one_pass() -> None:
    model, pictures = llava(), [picture(1), picture(2), picture(3)]
    with Batches(model) as seen:
        read_images(model, pictures, [readings(model, PHRASES)] * 3)
    assert (seen.sizes, seen.packs) == ([3], [3])
    with Batches(model) as seen:  # the third asks something else
        read_images(
            model,
            pictures,
            [[HeadReading(each, heads_of(model))] for each in (PHRASES, PHRASES, PHRASES[::-1])],
        )
    assert (seen.sizes, sorted(seen.packs)) == ([3], [1, 2])


def test_knock_outs_apply_to_images_side_by_side() -> None:
    model = llava()
    plain = read_together(model, picture(1), readings(model, PHRASES))
    with vs.knockout(model, [("system", "image")], layers=[0]):
        check(model, [picture(1), picture(2)], [PHRASES, PHRASES])
        other = read_together(model, picture(1), readings(model, PHRASES))
    assert np.abs(values(plain)[0] - values(other)[0]).max() > 1e-3


def test_no_phrase_at_all() -> None:
    assert read_together(llava(), picture(1), [HeadReading((), (Head(1, 3),))]) == [[]]
    assert read_images(llava(), [], []) == []
