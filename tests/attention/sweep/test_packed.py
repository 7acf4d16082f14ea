"""An answer's scores under packed knock-outs are those of a sweep, whatever stands beside them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import vlmscope as vs
from families import llava
from vlmscope.attention.sweep import KnockoutSpec, answer_scores, packed, sweep
from vlmscope.attention.sweep.clean_run import NotResumableError
from vlmscope.errors import AttentionError, BadSampleError
from vlmscope.models import LoadedModel, Prompt

PROMPT = Prompt("the small red circle on the left", answer="a large blue star")


@cache
def strong() -> LoadedModel:
    """A random model in which attention decides what comes out: effects are large against bounds."""
    model = llava("llama", seed=7)
    for layer in model.layers:
        layer.self_attn.v_proj.weight.data *= 12
        layer.self_attn.o_proj.weight.data *= 12
    model.hf.lm_head.weight.data *= 20
    return model


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (50, 64, 3), dtype=np.uint8)


def edges(count: int) -> list[tuple]:
    """Growing parts of the image, all of it last."""
    tokens = vs.token_map(strong(), picture(), PROMPT, preset="chat").positions("image")
    parts = [tuple(map(int, tokens[: (at + 1) * 2])) for at in range(count - 1)]
    return [((part, "text"), (part, "generated")) for part in [*parts, "image"]]


def swept(prompt: Prompt, cases: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    model = strong()
    specs = [KnockoutSpec(each, tuple(range(len(model.layers)))) for each in cases]
    result = sweep(model, picture(), prompt, specs, preset="chat", max_new_tokens=4)
    assert result.resumed
    return result.answer.logprobs, np.array([each.logprobs for each in result.effects])


@pytest.mark.parametrize(("count", "together"), [(1, 1), (5, 3), (5, 2), (7, 8)])
@pytest.mark.parametrize("prompt", [PROMPT, Prompt(PROMPT.text)], ids=["handed in", "its own"])
def test_scores_are_those_of_a_sweep(
    count: int, together: int, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = edges(count)
    clean, logprobs = swept(prompt, cases)
    monkeypatch.setattr(packed, "_in_a_sequence", lambda *_: together)
    scores = answer_scores(strong(), picture(), prompt, cases, preset="chat", max_new_tokens=4)
    assert np.ptp(logprobs, axis=0).max() > 0.01 or count == 1
    np.testing.assert_allclose(scores.clean, clean, rtol=0, atol=1e-5)
    np.testing.assert_allclose(scores.logprobs, logprobs, rtol=0, atol=1e-5)


def test_several_passes_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = edges(5)
    _, logprobs = swept(PROMPT, cases)
    monkeypatch.setattr(packed, "_ROWS", 1)
    scores = answer_scores(strong(), picture(), PROMPT, cases, preset="chat")
    np.testing.assert_allclose(scores.logprobs, logprobs, rtol=0, atol=1e-5)


def test_what_cannot_be_packed_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotResumableError("for the test")

    cases = edges(3)
    clean, logprobs = swept(PROMPT, cases)
    whole = answer_scores(strong(), picture(), PROMPT, cases, preset="chat")
    monkeypatch.setattr(packed, "_packed", refuse)
    scores = answer_scores(strong(), picture(), PROMPT, cases, preset="chat")
    assert (scores.clean == clean).all() and (scores.logprobs == logprobs).all()
    assert (scores.ids, scores.length) == (whole.ids, whole.length)
    assert scores.rows_run == whole.rows_run  # three and the clean one behind the image, either way


def test_places_that_see_each_other_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_mask(self: object, forward: object, batch: int, keys: int, device: object) -> object:
        mask = blocked(self, forward, batch, keys, device)
        mask[..., -keys // 4 :] = False
        return mask

    blocked = packed._Apart.blocked
    monkeypatch.setattr(packed, "_in_a_sequence", lambda *_: 4)
    monkeypatch.setattr(packed._Apart, "blocked", open_mask)
    cases = edges(7)
    _, logprobs = swept(PROMPT, cases)
    scores = answer_scores(strong(), picture(), PROMPT, cases, preset="chat")
    np.testing.assert_allclose(scores.logprobs, logprobs, rtol=0, atol=0)  # swept after all


@pytest.mark.parametrize(
    ("count", "rows", "before", "each"),
    [(21, 38, 577, 7), (20, 38, 577, 7), (23, 38, 577, 6), (1, 38, 577, 1), (9, 300, 577, 1)],
)
def test_sequences_are_nearly_full(count: int, rows: int, before: int, each: int) -> None:
    assert packed._in_a_sequence(count, rows, before) == each


def test_bad_calls_are_refused() -> None:
    model = strong()
    with pytest.raises(AttentionError, match="at least one"):
        answer_scores(model, picture(), PROMPT, [])
    with pytest.raises(BadSampleError, match="no tokens"):
        answer_scores(model, picture(), Prompt("what", answer=""), edges(1))
    with vs.knockout(model, [("image", "query")]), pytest.raises(AttentionError, match="End it"):
        answer_scores(model, picture(), PROMPT, edges(1))
