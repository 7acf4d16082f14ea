"""A job that nobody wants any more ends between two layers, and leaves the model as it was."""

from __future__ import annotations

import pytest
import torch

import vlmscope as vs
from app_pictures import encoded
from vlmscope.app.answers.ground import ground_phrase
from vlmscope.app.engine.interrupt import Interrupt, InterruptedJobError, interruptible
from vlmscope.app.engine.pictures import PictureStore
from vlmscope.app.engine.prefixes import PrefixKeeper
from vlmscope.app.settings import Limits
from vlmscope.models import LoadedModel, Prompt


def test_a_generation_ends_at_its_next_layer(llava: LoadedModel) -> None:
    interrupt, picture = Interrupt(), encoded()
    clean = vs.prefill(llava, picture, "the red circle").logits
    passes: list[int] = []
    hook = llava.layers[2].register_forward_hook(lambda *_: passes.append(1))
    ended = llava.layers[3].register_forward_hook(lambda *_: interrupt.set())
    try:
        with pytest.raises(InterruptedJobError), interruptible(llava, interrupt):
            vs.generate(llava, picture, "describe the image", max_new_tokens=8)
    finally:
        hook.remove()
        ended.remove()
    assert len(passes) == 1  # of nine
    assert not any(layer._forward_pre_hooks for layer in llava.layers)
    again = vs.prefill(llava, picture, "the red circle").logits
    assert torch.equal(clean, again)


def test_a_phrase_that_was_interrupted_can_be_asked_again(llava: LoadedModel) -> None:
    picture, keeper = PictureStore(Limits()).add(encoded()), PrefixKeeper(llava)
    before = ground_phrase(llava, keeper, picture, Prompt.of("the star")).grounding
    interrupt = Interrupt()
    ended = llava.layers[1].register_forward_hook(lambda *_: interrupt.set())
    try:
        with pytest.raises(InterruptedJobError), interruptible(llava, interrupt):
            ground_phrase(llava, keeper, picture, Prompt.of("the blue square"))
    finally:
        ended.remove()
    after = ground_phrase(llava, keeper, picture, Prompt.of("the star")).grounding
    assert (before.score_map == after.score_map).all()


def test_nothing_is_stopped_without_a_word(llava: LoadedModel) -> None:
    with interruptible(llava, Interrupt()):
        assert vs.prefill(llava, encoded(), "the star").logits is not None
