"""Several pictures in one prompt: shares, joint thresholds, and what is refused."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dual_families
import vlmscope as vs
from clips import random_frames
from lvlms import made
from vlmscope.errors import BadImageError, BadOptionError, BadPhraseError, UnsupportedError
from vlmscope.post.options import PostOptions
from vlmscope.results.repeat import command_of, python_of
from vlmscope.tiny import render_scene
from vlmscope.viewer import View

METHODS = ("localization-heads", "mean-attention", "relative-attention", "attend-minus-mean")
HEADS = "L1H1,L2H3"
PHRASE = "the small red circle"


@cache
def tiny() -> Any:
    return vs.load("tiny-llava")


@cache
def scenes() -> tuple[np.ndarray, np.ndarray, str]:
    """A scene, another without its first object, and the phrase for that."""
    one = render_scene(500_010)
    thing = one.objects[0]
    for seed in range(500_011, 500_060):
        other = render_scene(seed)
        if all(each.colour != thing.colour and each.shape != thing.shape for each in other.objects):
            return one.image, other.image, f"the {thing.colour} {thing.shape}"
    raise AssertionError("no scene without it")


# -- shares ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["llava", "llava-onevision", "qwen2-vl", "gemma3"])
def test_shares_are_the_sums_of_one_prompts_rows(name: str) -> None:
    model = made(name)
    images = [*random_frames(1, 70, 110), *random_frames(1, 130, 60, seed=1)]
    found = vs.ground_pictures(model, images, PHRASE, heads=HEADS)
    with vs.capture(model, rows="last_text", heads=[(1, 1), (2, 3)]) as trace:
        vs.prefill(model, [images], PHRASE)
    row = trace.rows_of([(1, 1), (2, 3)]).double().mean(dim=(0, 1)).numpy()
    sums = [row[trace.token_map.of_image(number)[1]].sum() for number in (0, 1)]
    counts = [len(trace.token_map.of_image(number)[1]) for number in (0, 1)]
    np.testing.assert_allclose(found.share, np.array(sums) / sum(sums), rtol=1e-5)
    np.testing.assert_allclose(found.even, np.array(counts) / sum(counts), rtol=1e-12)
    assert sum(found.share) == pytest.approx(1.0, abs=1e-12)
    assert [part.image_size for part in found.pictures] == [(70, 110), (130, 60)]
    # what a mask holds is a share of the WHOLE row, other pictures and words included
    assert all(
        0 <= part.score <= total + 1e-9 for part, total in zip(found.parts, sums, strict=True)
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_method_that_reads_a_decoder_takes_several_pictures(method: str) -> None:
    one, other, phrase = scenes()
    found = vs.ground_pictures(tiny(), [one, other, one], [phrase, "the blue ring"], method)
    assert [each.phrase for each in found] == [phrase, "the blue ring"]
    for each in found:
        assert len(each) == 3 and sum(each.share) == pytest.approx(1.0)
        assert each.even == pytest.approx((1 / 3,) * 3)
        assert each.best is each.parts[each.where]


def test_a_phrase_that_is_in_one_picture_has_a_box_there_alone() -> None:
    one, other, phrase = scenes()
    for order in (0, 1):
        images = [one, other] if order == 0 else [other, one]
        found = vs.ground_pictures(tiny(), images, phrase)
        assert found.where == order
        assert found.parts[order].box is not None and found.parts[1 - order].box is None
        assert found.parts[1 - order].instances == () and not found.parts[1 - order].mask.any()
        assert any("nothing lights up" in text for text in found.parts[1 - order].warnings)
        assert found.warnings == ()
    alone = vs.ground(tiny(), other, phrase)
    assert alone.box is not None  # by itself every picture has a box


def test_one_threshold_counts_for_all_pictures() -> None:
    one, other, phrase = scenes()
    for threshold in ("mean", "mean-all", "otsu", "max-share"):
        found = vs.ground_pictures(
            tiny(), [one, other], phrase, threshold=threshold, surface="grid", further=0.0
        )
        first, second = (part.located for part in found.parts)
        values = np.concatenate([first.weights, second.weights])
        if threshold == "max-share":
            expected = 0.4 * values.max()
        elif threshold == "otsu":
            expected = first.region.threshold or second.region.threshold
            low, high = (v.mean() for v in (values[values <= expected], values[values > expected]))
            assert low < expected < high
        else:
            expected = values.mean()
        for part in found.parts:
            limit = part.located.region.threshold
            assert limit is None or limit == pytest.approx(expected, rel=1e-9)
            lit = part.located.weights > expected * (1 - 1e-12)
            assert part.box is not None or not lit.any()


def test_a_picture_below_the_share_of_further_objects_has_no_box() -> None:
    one, other, phrase = scenes()
    options = {"threshold": "mean", "surface": "grid"}
    low = vs.ground_pictures(tiny(), [one, other], phrase, further=0.0, **options)
    peaks = [part.located.weights for part in low.parts]
    floor = min(each.min() for each in peaks)
    heights = [each.max() - floor for each in peaks]
    ratio = min(heights) / max(heights)
    assert low.parts[1].box is not None and 0.01 < ratio < 0.99
    for further, there in ((ratio - 0.005, True), (ratio + 0.005, False)):
        found = vs.ground_pictures(tiny(), [one, other], phrase, further=further, **options)
        assert (found.parts[1].box is not None) == there


def test_where_is_beyond_the_even_share() -> None:
    """A large picture of many tokens gets more of everything."""
    model = made("qwen2-vl")
    small, large = random_frames(1, 56, 56)[0], random_frames(1, 168, 224, seed=1)[0]
    found = vs.ground_pictures(model, [small, large], PHRASE, "mean-attention")
    lifts = np.array(found.share) / np.array(found.even)
    assert found.where == int(np.argmax(lifts)) and found.even[1] > 0.8


def test_a_flat_map_lights_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmscope.post import joint_limits, locate

    tokens = vs.token_map(made("llava"), random_frames(1, 60, 60)[0], PHRASE)
    flat = [locate(tokens, np.ones(len(tokens.image_positions)), PostOptions()) for _ in range(2)]
    assert joint_limits(flat, PostOptions()) == [np.inf, np.inf]


# -- results -----------------------------------------------------------------------------


def test_a_result_says_itself_is_saved_and_repeated(tmp_path: Path) -> None:
    one, other, phrase = scenes()
    found = vs.ground_pictures(tiny(), [one, other], phrase)
    record = json.loads(found.to_json(arrays=True))
    assert record["where"] == 0 and [p["share"] for p in record["pictures"]] == list(found.share)
    assert record["pictures"][1]["box"] is None and "score_map" in record["pictures"][0]
    assert "in picture 1 of 2" in repr(found) and "<iframe" in found._repr_html_()
    paths = found.save(tmp_path / "out")
    assert [path.name for path in paths] == [
        "picture-01.png",
        "picture-02.png",
        "result.json",
        "index.html",
    ]
    view = View.read(tmp_path / "out" / "index.html")
    assert [block["type"] for block in view.blocks] == ["bars", "compare"]
    scale = view.blocks[1]["scale"]
    assert scale == [
        pytest.approx(min(float(part.score_map.min()) for part in found.parts)),
        pytest.approx(max(float(part.score_map.max()) for part in found.parts)),
    ]
    assert found.overlay().width > found.overlay().height
    assert python_of(found.parts[0]).count("'IMAGE'") == 2
    assert "vs.ground_pictures(" in python_of(found.parts[0])
    assert command_of(found.parts[1]).startswith("vlmscope ground IMAGE IMAGE --together")


# -- what is refused ---------------------------------------------------------------------


def test_what_cannot_be_asked_is_said() -> None:
    one, other, phrase = scenes()
    two = [one, other]
    for images, words in (([one], "got 1"), ([], "got 0"), (one, "list")):
        with pytest.raises(BadImageError, match=words):
            vs.ground_pictures(tiny(), images, phrase)
    with pytest.raises(BadPhraseError, match="no phrase"):
        vs.ground_pictures(tiny(), two, [])
    with pytest.raises(BadPhraseError, match="empty"):
        vs.ground_pictures(tiny(), two, " ")
    with pytest.raises(BadOptionError, match="greedy"):
        vs.ground_pictures(tiny(), two, phrase, greedy=True)
    with pytest.raises(UnsupportedError, match="one picture at a time"):
        vs.ground_pictures(dual_families.clip(), two, phrase)
    with pytest.raises(UnsupportedError, match="does not run"):
        vs.ground_pictures(tiny(), two, phrase, "gem")
    with pytest.raises(UnsupportedError, match="one image per prompt"):
        vs.ground_pictures(made("blip-2"), two, phrase, "mean-attention")
    with pytest.raises(BadPhraseError, match=r"fewer than 4 pictures"):
        vs.ground_pictures(tiny(), [one] * 4, phrase)
