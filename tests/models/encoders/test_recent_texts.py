"""Captions come and go; what a job looks for again and again stays."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

import vlmscope as vs
from vlmscope.models.encoders.recent_texts import RecentTexts


def test_the_longest_unasked_gives_way() -> None:
    texts = RecentTexts(most=3)
    texts.keep({name: torch.tensor([float(at)]) for at, name in enumerate("abc")})
    assert texts.known(["a", "x"]).keys() == {"a"}
    texts.keep({"d": torch.tensor([3.0])})
    assert list(texts.known("abcd")) == ["a", "c", "d"]
    texts.clear()
    assert not texts


def test_a_vector_does_not_hold_its_batch() -> None:
    texts, batch = RecentTexts(), torch.zeros(256, 8)
    texts.keep({"a": batch[7]})
    assert texts.known(["a"])["a"].untyped_storage().nbytes() == 8 * 4


def test_an_encoder_that_is_given_captions_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = dataclasses.replace(vs.load("tiny-clip"), _texts=RecentTexts(most=4))
    embedded: list[str] = []
    inner = encoder.family.embed_text

    def counted(hf: Any, processor: Any, texts: Any) -> Any:
        embedded.extend(texts)
        return inner(hf, processor, texts)

    monkeypatch.setattr(encoder.family, "embed_text", counted)
    first = encoder.text_embeddings(["a red circle"])
    for number in range(10):
        two = encoder.text_embeddings([f"a blue square {number}", "a red circle"])
        assert torch.equal(two[1:], first)
        assert len(encoder._texts) <= 4
    assert embedded.count("a red circle") == 1
    # a call that asks for more than are kept has them all
    many = encoder.text_embeddings([f"a green ring {number}" for number in range(9)])
    assert many.shape[0] == 9 and len(encoder._texts) == 4
