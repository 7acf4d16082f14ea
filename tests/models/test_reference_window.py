"""A cache that keeps what the model's own drops: the same answers, and keys where positions are."""

from __future__ import annotations

import pytest
import torch
import transformers
from transformers import DynamicCache

from lvlms.build import special_tokenizer
from lvlms.unlimited_ocr import unlimited_config
from vlmscope.models.cache_keyword import with_cache
from vlmscope.models.reference_window import reference_window_cache

WINDOW, PROMPT, ANSWER = 4, 9, 14


@pytest.fixture(scope="module")
def model() -> transformers.UnlimitedOcrForConditionalGeneration:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>"])
    config = unlimited_config(len(words), WINDOW)
    built = transformers.UnlimitedOcrForConditionalGeneration(config).eval()
    for layer in built.model.language_model.layers:
        layer.self_attn.q_proj.weight.data *= 8
        layer.self_attn.k_proj.weight.data *= 8
    return built


def prompt() -> torch.Tensor:
    return torch.arange(5, 5 + PROMPT)[None]


def answered(model: torch.nn.Module, cache: object) -> transformers.generation.GenerateOutput:
    return model.generate(
        input_ids=prompt(),
        max_new_tokens=ANSWER,
        min_new_tokens=ANSWER,
        do_sample=False,
        return_dict_in_generate=True,
        output_logits=True,
        **with_cache(model, cache),
    )


def test_answers_longer_than_the_window_are_the_models_own(model: torch.nn.Module) -> None:
    text = model.model.language_model.config
    ours = answered(model, reference_window_cache(text))
    theirs = answered(model, DynamicCache(config=text))
    assert torch.equal(ours.sequences, theirs.sequences)
    for one, other in zip(ours.logits, theirs.logits, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    # a cache without the window would have answered otherwise
    everything = answered(model, DynamicCache())
    assert (ours.logits[-1] - everything.logits[-1]).abs().max() > 1e-4


def test_every_key_is_kept_at_its_position(model: torch.nn.Module) -> None:
    cache = reference_window_cache(model.model.language_model.config)
    answered(model, cache)
    layer = cache.layers[0]
    assert layer.keys.shape[-2] == layer.get_seq_length() == PROMPT + ANSWER - 1
    assert layer.prefill_length == PROMPT


def test_cut_back_to_the_prompt_it_begins_anew(model: torch.nn.Module) -> None:
    cache = reference_window_cache(model.model.language_model.config)
    answered(model, cache)
    for layer in cache.layers:
        layer.crop(PROMPT - 2 - layer.get_seq_length())
    assert cache.layers[0].prefill_length is None
    with torch.no_grad():
        ids = torch.arange(20, 28)[None]
        out = model(input_ids=ids, **with_cache(model, cache), use_cache=True).logits
        whole = torch.cat([prompt()[:, : PROMPT - 2], ids], dim=1)
        expected = model(input_ids=whole, use_cache=False).logits[:, PROMPT - 2 :]
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)


def test_transformers_caches_stay_as_they_are(model: torch.nn.Module) -> None:
    reference_window_cache(model.model.language_model.config)
    own = DynamicCache(config=model.model.language_model.config).layers[0]
    assert type(own).__name__ == "UnlimitedOcrDynamicReferenceSlidingWindowLayer"
