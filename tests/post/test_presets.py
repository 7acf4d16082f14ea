"""Post-processing as a whole setting: the model's own, by name, or made by the caller."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.post import PAPER, PostOptions
from vlmscope.post.options import with_post


@dataclass(frozen=True)
class Wider(PostOptions):
    """Options of a method: a field more than the post-processing."""

    layers: int = 3


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        (None, Wider(threshold="otsu", layers=5)),  # what the model's card says
        ("paper", Wider(smoothing="absolute", threshold="mean-all", layers=5)),
        ("paper-seen", Wider(smoothing="absolute", layers=5)),
        ("default", Wider(layers=5)),
        (PostOptions(keep="area"), Wider(keep="area", layers=5)),
    ],
)
def test_post_processing_is_the_models_own_or_a_whole_setting(
    post: PostOptions | str | None, expected: Wider
) -> None:
    chosen = with_post(Wider(sigma=1.0, layers=5), {"threshold": "otsu"}, post)
    assert chosen == expected and type(chosen) is Wider


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown post-processing 'papr'.*'paper'"):
        with_post(PAPER, {}, "papr")
    with pytest.raises(BadOptionError) as caught:
        with_post(PAPER, {}, 3)  # type: ignore[arg-type]
    assert (
        str(caught.value) == "post is one of paper, paper-seen, default or a PostOptions, got int."
    )
