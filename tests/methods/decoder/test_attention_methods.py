"""mean-attention, relative-attention, attend-minus-mean: their formulas, their records, their refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from families import llava
from lvlms import builds, made
from vlmscope.attention import Reading, read_together
from vlmscope.attention.maps import read_means
from vlmscope.errors import AttentionError, BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.methods import get_method
from vlmscope.methods.decoder.relative_attention import GENERIC, default_layer
from vlmscope.models import FAMILIES, LoadedModel, Prompt
from vlmscope.post import mask_coverage
from vlmscope.results import Grounding
from vlmscope.tiny import referring_samples
from vlmscope.tiny.world.splits import HELD_OUT

IDS = ("mean-attention", "relative-attention", "attend-minus-mean")
IMAGE = np.random.default_rng(3).integers(0, 255, (48, 72, 3), dtype=np.uint8)
SENTENCE = Prompt("where is the small dog on the left ?", (9, 22))
RAW = {"smoothing": "none"}  # the score map is then the method's own map

each_method = pytest.mark.parametrize("method", IDS)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return llava()


def find(model: LoadedModel, method: str, phrase: Any = SENTENCE, **options: Any) -> Grounding:
    return vs.ground(model, IMAGE, phrase, method=method, **options)


def read(
    model: LoadedModel, prompt: Prompt, rows: Any, layers: tuple[int, ...], **more: Any
) -> Any:
    return read_means(model, IMAGE, [prompt], Reading(rows, layers, **more))[0]


# what each of them is


def test_mean_attention_is_the_mean_over_heads_and_layers(model: LoadedModel) -> None:
    found = find(model, "mean-attention", **RAW)
    own = read(model, SENTENCE, "last_text", (0, 1, 2, 3))
    np.testing.assert_allclose(found.score_map.ravel(), own.mean, atol=1e-7)
    inside = own.mean @ mask_coverage(own.token_map, found.mask)
    assert found.score == pytest.approx(inside) and 0 < found.score < 1
    assert found.details["row_tokens"] == ["dog"] and found.details["layers"] == [0, 1, 2, 3]


def test_mean_attention_of_a_range_of_layers(model: LoadedModel) -> None:
    found = find(model, "mean-attention", first_layer=1, last_layer=2, **RAW)
    own = read(model, SENTENCE, "last_text", (1, 2))
    np.testing.assert_allclose(found.score_map.ravel(), own.mean, atol=1e-7)
    assert found.details["layers"] == [1, 2]
    assert not np.allclose(found.score_map, find(model, "mean-attention", **RAW).score_map)


def test_relative_attention_is_a_ratio_at_one_layer(model: LoadedModel) -> None:
    found = find(model, "relative-attention", layer=2, generic="what is there ?", **RAW)
    above = read(model, SENTENCE, "last_input", (2,), preset="chat")
    below = read(model, Prompt("what is there ?"), "last_input", (2,), preset="chat")
    np.testing.assert_allclose(found.score_map.ravel(), above.mean / below.mean, rtol=1e-4)
    inside = mask_coverage(above.token_map, found.mask)
    expected = (above.mean @ inside) / (below.mean @ inside)
    assert found.score == pytest.approx(expected) and found.score > 1
    assert (found.details["rows"], found.details["prompt"]) == ("last_input", "chat")
    assert found.details["row_tokens"] == found.details["generic_row_tokens"] == [":"]
    assert found.details["layers"] == [2] and found.details["generic"] == "what is there ?"


def test_relative_attention_of_the_generic_prompt_itself_is_one_everywhere(
    model: LoadedModel,
) -> None:
    found = find(model, "relative-attention", "what is there ?", generic="what is there ?", **RAW)
    np.testing.assert_allclose(found.score_map, 1.0, atol=1e-5)
    assert found.box is None and found.score == 0


def test_a_cell_that_the_generic_prompt_ignores_does_not_outshine_all(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted(*args: Any) -> Any:
        found = read_together(*args)
        found[0][-1].mean[0] = 0.0
        return found

    monkeypatch.setattr("vlmscope.methods.decoder.reads.read_together", planted)
    found = find(model, "relative-attention", layer=2, **RAW)
    own = read(model, SENTENCE, "last_input", (2,), preset="chat")
    below = read(model, Prompt(GENERIC), "last_input", (2,), preset="chat").mean
    floor = 1e-3 * below[1:].sum() / len(below)
    assert found.score_map.flat[0] == pytest.approx(own.mean[0] / floor, rel=1e-4)


def test_attend_minus_mean_takes_the_mean_over_the_prompts_rows_away(model: LoadedModel) -> None:
    own = read(model, SENTENCE, "last_text", (0, 1, 2, 3), rest=True)
    kept = find(model, "attend-minus-mean", keep_negative=True, **RAW)
    np.testing.assert_allclose(kept.score_map.ravel(), own.mean - own.rest, atol=1e-7)
    assert kept.score_map.min() < 0
    clipped = find(model, "attend-minus-mean", **RAW)
    np.testing.assert_allclose(clipped.score_map, np.maximum(kept.score_map, 0), atol=1e-7)
    assert clipped.details["mean_over"] == SENTENCE.text.split()
    assert clipped.score > 0 and clipped.warnings == ()


def test_attend_minus_mean_over_an_answer(model: LoadedModel) -> None:
    answered = Prompt("where is the dog ?", (9, 16), answer="the dog is on the left")
    options = {"keep_negative": True, "prompt": "chat", **RAW}
    found = find(model, "attend-minus-mean", answered, **options)
    assert found.details["mean_over"] == [":", "the", "dog", "is", "on", "the"]
    rows = [read(model, answered, [-k], (0, 1, 2, 3), preset="chat").mean for k in range(2, 8)]
    own = read(model, answered, "last_text", (0, 1, 2, 3), preset="chat")
    np.testing.assert_allclose(found.score_map.ravel(), own.mean - np.mean(rows, axis=0), atol=1e-6)


def test_what_is_subtracted_from_itself_leaves_nothing_and_says_so(model: LoadedModel) -> None:
    for phrase in ("dog", Prompt("the dog")):
        rows = "last_text" if phrase == "dog" else "phrase"
        found = find(model, "attend-minus-mean", phrase, rows=rows)
        assert found.box is None and not found.mask.any() and found.score == 0
        assert "nothing is left" in found.warnings[0] and "Prompt(" in found.warnings[0]
        json.loads(found.to_json())


def test_a_phrase_that_is_the_whole_prompt_is_cautioned_about(model: LoadedModel) -> None:
    whole = find(model, "attend-minus-mean", "the red circle", keep_negative=True)
    assert whole.details["mean_over"] == ["the", "red", "circle"]
    assert "own tokens alone" in whole.warnings[0]
    chat = find(model, "attend-minus-mean", "the red circle", keep_negative=True, prompt="chat")
    assert chat.warnings == ()  # the template's tail is something else


def test_a_row_that_looks_less_than_the_others_everywhere(model: LoadedModel) -> None:
    found = find(model, "attend-minus-mean", rows="last_input", prompt="chat")
    assert found.box is None and found.score == 0 and not found.score_map.any()
    assert "keep_negative=True" in found.warnings[0]
    kept = find(model, "attend-minus-mean", rows="last_input", prompt="chat", keep_negative=True)
    assert kept.box is not None and kept.score_map.max() < 0 and kept.warnings == ()


# the layer of relative attention


@pytest.mark.parametrize(("layers", "layer"), [(32, 14), (40, 17), (28, 12), (24, 10), (6, 2)])
def test_the_default_layer_is_as_deep_as_the_papers(layers: int, layer: int) -> None:
    class Deep:
        decoder_shape = (layers, 8)
        row_layers = tuple(range(layers))
        family = FAMILIES.for_model_type("llava", "here")

    assert default_layer(Deep()) == layer  # type: ignore[arg-type]


def test_the_default_layer_looks_at_the_image() -> None:
    assert default_layer(made("mllama")) == 1  # of the crossed layers 1 and 3
    assert default_layer(llava(layers=2)) == 0


# all of them


@pytest.mark.parametrize("name", sorted({each.id for each in FAMILIES} & set(builds())))
def test_they_run_on_every_family(name: str) -> None:
    model = made(name)
    phrases = ["the red circle", SENTENCE]
    options = {"generic": "what is there ?", "keep_negative": True}
    found = vs.compare_methods(model, IMAGE, phrases, IDS, **options)
    for method in IDS:
        for phrase, grounding in zip(
            ("the red circle", "the small dog"), found[method], strict=True
        ):
            assert (grounding.method, grounding.phrase) == (method, phrase)
            assert np.isfinite(grounding.score_map).all() and np.ptp(grounding.score_map) > 0
            assert grounding.box is not None and grounding.heatmap.shape == (48, 72)
        assert not np.allclose(*(each.heatmap for each in found[method]), atol=1e-3)
    maps = [found[method][0].heatmap for method in IDS]
    assert not any(np.allclose(maps[0], other, atol=1e-3) for other in maps[1:])


@each_method
def test_phrases_together_give_what_each_gives_alone(model: LoadedModel, method: str) -> None:
    phrases = ["the red circle", SENTENCE, "the small green square on the left"]
    for phrase, found in zip(phrases, find(model, method, phrases), strict=True):
        alone = find(model, method, phrase)
        np.testing.assert_allclose(found.score_map, alone.score_map, rtol=1e-3, atol=1e-6)
        assert found.box == pytest.approx(alone.box, abs=1e-3)


@each_method
def test_two_images_never_share_a_map(model: LoadedModel, method: str) -> None:
    first, second, again = (
        vs.ground(model, image, SENTENCE, method=method).score_map
        for image in (IMAGE, IMAGE[::-1].copy(), IMAGE)
    )
    assert np.abs(first - second).max() > 1e-5
    np.testing.assert_allclose(first, again, atol=1e-7)


@each_method
def test_the_record(model: LoadedModel, method: str) -> None:
    found = find(model, method, threshold="otsu", placement="processor")
    record = json.loads(found.to_json())["details"]
    assert record["options"]["threshold"] == "otsu" and record["placement"] == "crop"
    assert record["score"] == get_method(method).scored
    assert found.seen == pytest.approx((12, 0, 60, 48)) and "did not see" in found.warnings[-1]


@each_method
@pytest.mark.parametrize("rows", ["last_text", "phrase", "last_input", [-1, -2]])
def test_any_row_can_be_read(model: LoadedModel, method: str, rows: Any) -> None:
    keep = {"keep_negative": True} if method == "attend-minus-mean" else {}
    found = find(model, method, rows=rows, prompt="chat", **keep)
    expected = {
        "last_text": ["dog"],
        "phrase": ["the", "small", "dog"],
        "last_input": [":"],
    }.get(rows if isinstance(rows, str) else "", ["assistant", ":"])
    assert [word.lower() for word in found.details["row_tokens"]] == expected
    assert found.details["rows"] == rows and found.box is not None


def test_words_of_the_generic_prompt_that_the_model_lacks_are_said(model: LoadedModel) -> None:
    found = find(model, "relative-attention")
    assert found.warnings[0].startswith("In the generic prompt: ")
    assert "description" in found.warnings[0]
    assert find(model, "relative-attention", generic="what is there ?").warnings == ()


@pytest.mark.parametrize(
    ("method", "options", "error", "words"),
    [
        ("mean-attention", {"first_layer": 4}, BadOptionError, "layers 0 to 3"),
        ("mean-attention", {"last_layer": 4}, BadOptionError, "layers 0 to 3"),
        ("mean-attention", {"first_layer": 2, "last_layer": 1}, BadOptionError, "name none"),
        ("mean-attention", {"first_layer": -1}, BadOptionError, "first_layer"),
        ("relative-attention", {"layer": 4}, BadOptionError, "0, 1, 2, 3. Got 4"),
        ("relative-attention", {"generic": " "}, BadOptionError, "generic takes a sentence"),
        (
            "relative-attention",
            {"generic": "the \ue002"},
            BadOptionError,
            "generic cannot be asked",
        ),
        ("relative-attention", {"lair": 2}, UnknownNameError, "'layer'"),
        ("attend-minus-mean", {"keep_negative": 1}, BadOptionError, "True or False"),
        ("attend-minus-mean", {"heads": "L1H1"}, BadOptionError, "knows no heads"),
        ("mean-attention", {"rows": "generated"}, AttentionError, "needs a Prompt with an answer"),
    ],
)
def test_bad_input(
    model: LoadedModel, method: str, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        find(model, method, **options)


def test_a_layer_that_does_not_look_at_the_image() -> None:
    with pytest.raises(BadOptionError, match="looks at the image; of random-mllama these are 1, 3"):
        find(made("mllama"), "relative-attention", layer=2)
    with pytest.raises(BadOptionError, match="of which 1, 3 look at"):
        find(made("mllama"), "mean-attention", first_layer=2, last_layer=2)


@each_method
def test_an_encoder_is_refused(method: str) -> None:
    with pytest.raises(UnsupportedError, match=f"'{method}' does not run on tiny-clip"):
        vs.ground(vs.load("tiny-clip", device="cpu"), IMAGE, "a cat", method=method)


def test_they_point_on_scenes_that_nothing_was_chosen_on() -> None:
    """Far above chance (.04) on tiny-llava; on 400 other scenes they reach .9, .6 and .7."""
    model = vs.load("tiny-llava", device="cpu")
    hits = dict.fromkeys(IDS, 0)
    scenes = list(referring_samples(HELD_OUT[7000:7012]))
    for scene in scenes:
        found = vs.compare_methods(model, scene.image, scene.phrase, IDS)
        for method in IDS:
            point = found[method][0].point
            hits[method] += bool(point and scene.mask[int(point[1]), int(point[0])])
    assert hits["mean-attention"] >= 8
    assert hits["relative-attention"] >= 4
    assert hits["attend-minus-mean"] >= 5
