"""Image tokens are counted before anything is computed, as the pass itself will have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from lvlms.llava_next import llava_next
from lvlms.mllama import mllama
from vlmscope.attention import token_map
from vlmscope.models import LoadedModel
from vlmscope.reproduce.image_tokens import LOOKED_AT, tokens_per_image

WIDE, TALL = np.zeros((40, 90, 3), np.uint8), np.zeros((90, 40, 3), np.uint8)


@pytest.mark.parametrize("build", [llava_next, mllama])
def test_the_mean_of_the_first_images(build: Callable[[], LoadedModel]) -> None:
    model = build()
    images = [WIDE, TALL, TALL]
    counts = [len(token_map(model, each, "a dog").image_positions) for each in images]
    assert tokens_per_image(model, images) >= sum(counts) / len(counts) > 1


def test_no_more_images_are_looked_at_than_are_said() -> None:
    def endless() -> Iterator[np.ndarray]:
        while True:
            yield WIDE

    model = mllama()
    assert tokens_per_image(model, endless()) == tokens_per_image(model, [WIDE])
    assert tokens_per_image(model, []) == 0
    assert LOOKED_AT < 20
