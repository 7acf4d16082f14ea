"""Families of decoders: what is read behind one cached image is what whole passes read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from lvlms import made
from vlmscope.analysis.hallucination.evidence import SaidMention, signs_of
from vlmscope.analysis.hallucination.mentions import Assertion
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.analysis.hallucination.passes import Answered, WholePasses
from vlmscope.analysis.hallucination.shared_passes import SharedPasses, image_passes
from vlmscope.analysis.tokens.words import merge_words
from vlmscope.attention.forced import answer_ids
from vlmscope.data.datasets import Asked, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel, Prompt

QUESTIONS = ("the small red circle", "what colour is the dog ?")
OPTIONS = HallucinationOptions(preset=None, patches=0.3)
PICTURES = [
    np.random.default_rng(seed).integers(40, 215, (70, 110, 3), dtype=np.uint8) for seed in (0, 1)
]


def said_of(model: LoadedModel, question: str) -> list[SaidMention]:
    """The first and the last word of an answer, as mentions."""
    ids = answer_ids(model, Prompt.of(question), "a small dog", 1, None)
    _, words = merge_words(ids.tolist(), model.processor.tokenizer)
    answer = Answered(question, ids)
    ends = (0, len(words) - 1)
    return [SaidMention(Assertion("dog", "dog", (n,), True), answer, words) for n in ends]


# positions on three axes; a sliding window; image tokens with gaps between; queries that carry the image
@pytest.mark.parametrize("name", ["qwen2-vl", "gemma3-window", "llava-next-gaps", "blip-2"])
def test_two_images_side_by_side_are_read_as_by_whole_passes(name: str) -> None:
    model = made(name)
    asked = [Asked(str(n), text, room=3) for n, text in enumerate(QUESTIONS)]
    first, last = OPTIONS.reading(1).layers(len(model.layers))
    said = [each for question in QUESTIONS for each in said_of(model, question)]
    shared = image_passes(model, PICTURES, [asked, asked], OPTIONS)
    for pixels, passes in zip(PICTURES, shared, strict=True):
        assert isinstance(passes, SharedPasses)
        whole = WholePasses(model, pixels, OPTIONS, range(first, last + 1))
        assert passes.say(asked) == whole.say(asked)
        pairs = [
            signs_of(model, each, said, OPTIONS.patches, np.random.default_rng(0))
            for each in (passes, whole)
        ]
        for one, two in zip(*pairs, strict=True):
            assert one == pytest.approx(two, abs=1e-5)


def test_an_image_that_sees_the_text_is_read_by_whole_passes() -> None:
    [passes] = image_passes(made("paligemma"), PICTURES[:1], [[Asked("1", "dog")]], OPTIONS)
    assert isinstance(passes, WholePasses)


def test_cross_attention_is_refused_by_name(tmp_path: Path) -> None:
    make_tiny("pope", tmp_path / "p", 1)
    with pytest.raises(UnsupportedError, match="mllama.* cross-attention"):
        vs.hallucination(made("mllama"), open_dataset("pope", tmp_path / "p"))
