"""A picture is read once, whatever is asked of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import vlmscope as vs
from app_pictures import encoded
from vlmscope.app.answers.ground import ground_phrase
from vlmscope.app.engine import prefixes
from vlmscope.app.engine.pictures import PictureStore, StoredPicture
from vlmscope.app.engine.prefixes import PrefixKeeper
from vlmscope.app.settings import Limits
from vlmscope.models import LoadedModel, Prompt


@pytest.fixture
def looks(llava: LoadedModel) -> Iterator[list[int]]:
    """Grows with every picture that the vision tower is shown."""
    counted: list[int] = []
    hook = llava.hf.model.vision_tower.register_forward_hook(lambda *_: counted.append(1))
    yield counted
    hook.remove()


@pytest.fixture(scope="module")
def picture() -> StoredPicture:
    return PictureStore(Limits()).add(encoded())


def test_a_further_phrase_does_not_read_the_picture_again(
    llava: LoadedModel, picture: StoredPicture, looks: list[int]
) -> None:
    keeper = PrefixKeeper(llava)
    phrases = ("the red circle", "the blue square", "a star")
    for phrase in phrases:
        grounded = ground_phrase(llava, keeper, picture, Prompt.of(phrase), all_heads=True)
        asked = len(looks)
        alone = vs.ground(llava, picture.opened, phrase)
        assert len(looks) == asked + 1
        looks.pop()
        np.testing.assert_allclose(
            grounded.grounding.score_map, alone.score_map, rtol=1e-4, atol=1e-7
        )
        assert grounded.grounding.box == alone.box
    assert len(looks) == 1


def test_another_method_of_the_same_prompt_shares_the_picture(
    llava: LoadedModel, picture: StoredPicture, looks: list[int]
) -> None:
    keeper = PrefixKeeper(llava)
    for method in ("localization-heads", "mean-attention"):
        ground_phrase(llava, keeper, picture, Prompt.of("the star"), method, all_heads=True)
    presets = {llava.resolve_preset(None), llava.card.head_set.prompt}  # type: ignore[union-attr]
    assert len(looks) == len(presets)


def test_pictures_leave_when_there_are_too_many(
    llava: LoadedModel, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefixes, "_MOST", 2)
    store, keeper = PictureStore(Limits()), PrefixKeeper(llava)
    pictures = [store.add(encoded(number)) for number in range(3)]
    for each in (*pictures, pictures[2], pictures[0]):
        ground_phrase(llava, keeper, each, Prompt.of("the star"))
    assert len(looks) == 4


def test_pictures_leave_when_their_keys_are_too_many_bytes(
    llava: LoadedModel, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, keeper = PictureStore(Limits()), PrefixKeeper(llava)
    first, second = store.add(encoded(0)), store.add(encoded(1))
    ground_phrase(llava, keeper, first, Prompt.of("the star"))
    [kept] = keeper._kept.values()
    cache = next(iter(kept.prefixes.values()))._cache
    held = sum(each.keys.nbytes + each.values.nbytes for each in cache.layers)
    assert kept.weight == held
    monkeypatch.setattr(prefixes, "_BYTES", held - 1)
    ground_phrase(llava, keeper, second, Prompt.of("the star"))
    assert list(keeper._kept) == [second.id]
