"""Which tokens a word is, and what becomes of its map."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from lvlms import special_tokenizer
from vlmscope.diffusion import WordMaps
from vlmscope.diffusion.prompt_words import PromptWords, read_prompt
from vlmscope.errors import BadOptionError, UnsupportedError


def prompt(text: str, keys: int = 16) -> PromptWords:
    tokenizer = special_tokenizer([])
    tokenizer.model_max_length = keys
    return read_prompt(SimpleNamespace(tokenizer=tokenizer), text)


def maps(text: str = "a red circle", **more: Any) -> WordMaps:
    """A token's map is its number, but for one bright place."""
    words = prompt(text)
    values = np.ones((len(words.tokens), 4, 6), np.float32)
    values *= np.arange(len(words.tokens), dtype=np.float32)[:, None, None]
    values[:, 1, 4] *= 5
    image = np.full((40, 60, 3), 128, np.uint8)
    return WordMaps(
        words, "somebody/pipeline", image, values, 3, ("layer",), (("layer", 0),), **more
    )


def test_words_are_found_wherever_they_stand() -> None:
    words = prompt("A red dog, a blue dog: what is left")
    assert words.tokens[:5] == ("<bos>", "a", "red", "dog", ",")
    assert words.words == ("A", "red", "dog", "a", "blue", "what", "is", "left")
    assert words.positions("red") == (2,)
    assert words.positions("dog") == (3, 7)
    assert words.positions("DOG", 1) == (7,)
    assert words.positions("blue dog") == (6, 7)
    assert words.positions("a") == (1, 5), "no part of another word"


@pytest.mark.parametrize(
    "word, occurrence, said",
    [
        ("cat", None, "does not hold 'cat'. Its words: A, red, dog"),
        ("re", None, "does not hold 're'"),
        (" ", None, "an empty word"),
        ("red", 1, "stands 1 times in the prompt, counted from 0, got occurrence=1"),
        ("red", -1, "occurrence=-1"),
    ],
)
def test_a_word_that_is_not_there(word: str, occurrence: int | None, said: str) -> None:
    with pytest.raises(BadOptionError, match=said):
        prompt("A red dog").positions(word, occurrence)


def test_a_word_behind_what_is_read() -> None:
    words = prompt("a red dog on the left of the blue square", keys=6)
    assert words.words == ("a", "red", "dog", "on", "the")
    with pytest.raises(BadOptionError, match="behind the 6 tokens that the text encoder reads"):
        words.positions("square")


@pytest.mark.parametrize("text", ["", "  ", 3, None])
def test_a_prompt_has_words(text: Any) -> None:
    with pytest.raises(BadOptionError, match="text with words in it"):
        prompt(text)


def test_a_tokenizer_that_does_not_say_where_its_tokens_stand() -> None:
    slow = SimpleNamespace(is_fast=False, model_max_length=16)
    with pytest.raises(UnsupportedError, match="fast tokenizer"):
        read_prompt(SimpleNamespace(tokenizer=slow), "a dog")


def test_a_word_is_the_mean_of_its_tokens() -> None:
    found = maps()
    assert found.word("red")[0, 0] == 2 and found.word("red circle")[0, 0] == 2.5
    assert found.word("red circle")[1, 4] == 12.5


def test_a_word_is_grounded_on_the_picture() -> None:
    found = maps().ground("red")
    assert isinstance(found, vs.Grounding)
    # the bright cell of 10 x 10 pixels, painted smoothly
    x0, y0, x1, y1 = found.box
    assert 35 <= x0 < 43 and 5 <= y0 < 13 and 47 < x1 <= 55 and 17 < y1 <= 25
    assert 40 <= found.point[0] <= 50 and 10 <= found.point[1] <= 20
    assert found.score == 10 and found.method == "daam"
    assert any("generated picture" in each for each in found.warnings)
    assert found.details["tokens"] == ["red"]


def test_it_is_said_that_the_picture_was_made() -> None:
    found = maps()
    assert found.to_dict()["generated"] is True
    assert [each["word"] for each in found.to_dict(("red",))["words"]] == ["red"]
    assert "not where it would find it in a photograph" in found.view().blocks[-1]["text"]
    assert "find it in a photograph" in found._repr_html_()
    assert "a red circle; 3 words on 4x6; 3 steps" in repr(found)


def test_what_was_not_kept_is_not_made_up() -> None:
    for method, option in (("word_by_step", "by_step"), ("word_by_head", "by_head")):
        with pytest.raises(BadOptionError, match=f"not kept; trace with {option}=True"):
            getattr(maps(), method)("red")
    kept = maps(step_maps=np.ones((3, 4, 4, 6), np.float32))
    assert kept.word_by_step("red").shape == (3, 4, 6)
    with pytest.raises(BadOptionError, match="no word to show"):
        kept.view(())
