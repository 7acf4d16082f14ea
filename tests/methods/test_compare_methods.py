"""``compare_methods``: every method on the same phrases, what goes to which, what is left out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from dual_families import clip
from families import llava
from sams import tiny_sam
from vlmscope.errors import (
    BadHeadSetError,
    BadImageError,
    BadOptionError,
    BadPhraseError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.methods import get_method, methods, methods_for
from vlmscope.methods.decoder import ReadingMethod
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.refine import Refiner

IMAGE = np.random.default_rng(5).integers(0, 255, (48, 72, 3), dtype=np.uint8)
PHRASES = ["the red circle", Prompt("where is the dog ?", (9, 16))]
DECODER = tuple(method.id for method in methods() if isinstance(method, ReadingMethod))
HEADS = [(2, 1), (3, 4)]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return llava()


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return clip()


def test_every_method_of_a_decoder_gives_what_ground_gives(model: LoadedModel) -> None:
    found = vs.compare_methods(model, IMAGE, PHRASES, heads=HEADS)
    assert tuple(found) == DECODER and found.phrases == ("the red circle", "the dog")
    assert found.model == model.id and found.left_out == {}
    for method in DECODER:
        heads = {"heads": HEADS} if method == "localization-heads" else {}
        alone = vs.ground(model, IMAGE, PHRASES, method=method, **heads)
        for one, other in zip(found[method], alone, strict=True):
            assert one.method == method
            np.testing.assert_array_equal(one.score_map, other.score_map)
    pairs = list(found.by_phrase())
    assert [[each.method for each in own] for own in pairs] == [list(DECODER)] * 2
    assert [own[0].phrase for own in pairs] == ["the red circle", "the dog"]


def test_methods_of_a_decoder_share_its_passes(model: LoadedModel) -> None:
    """One for each way in which a prompt begins, and nothing is run again."""
    images: list[int] = []
    tower = model.hf.model.vision_tower
    hook = tower.register_forward_hook(lambda *_: images.append(1))
    vs.compare_methods(model, IMAGE, PHRASES, heads=HEADS)
    vs.compare_methods(model, IMAGE, PHRASES, heads=HEADS, prompt="chat")
    hook.remove()
    assert len(images) == 2 + 1


@pytest.mark.parametrize("options", [{}, {"window": 32, "side": 48}, {"compete": True}])
def test_every_method_of_an_encoder_in_one_pass(
    encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    embedded = []
    embed = type(encoder.family).embed
    monkeypatch.setattr(
        type(encoder.family),
        "embed",
        lambda self, hf, values, grid: (
            embedded.append(len(values)) or embed(self, hf, values, grid)
        ),
    )
    found = vs.compare_methods(encoder, IMAGE, ["a cat", "a bus"], **options)
    assert len(embedded) == 1
    assert list(found) == [method.id for method in methods() if method.accepts(encoder)]
    assert {method.id for method in methods()} - set(DECODER) - set(found) == {
        "proxyclip",
        "ts-cam",
    }
    for method in found:
        alone = vs.ground(encoder, IMAGE, ["a cat", "a bus"], method=method, **options)
        for one, other in zip(found[method], alone, strict=True):
            assert (one.method, one.phrase, one.details) == (method, other.phrase, other.details)
            np.testing.assert_allclose(one.score_map, other.score_map, atol=1e-6)
            np.testing.assert_allclose(one.heatmap, other.heatmap, atol=1e-5)


def test_a_dense_method_that_refuses_in_the_pass_is_left_out(
    encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UnsupportedError("no such tower")

    monkeypatch.setattr(type(get_method("sclip")), "attend", refuse)
    found = vs.compare_methods(encoder, IMAGE, "a cat")
    assert found.left_out == {"sclip": "no such tower"}
    assert set(found) == {each.id for each in methods() if each.accepts(encoder)} - {"sclip"}
    with pytest.raises(UnsupportedError, match="no such tower"):
        vs.compare_methods(encoder, IMAGE, "a cat", ["gem", "sclip"])


def test_one_phrase_and_chosen_methods(model: LoadedModel) -> None:
    found = vs.compare_methods(model, IMAGE, "a dog", ["attend-minus-mean", "mean-attention"])
    assert list(found) == ["attend-minus-mean", "mean-attention"]
    assert [len(found[method]) for method in found] == [1, 1]


def test_a_model_without_known_heads_leaves_that_method_out_and_says_why(
    model: LoadedModel,
) -> None:
    found = vs.compare_methods(model, IMAGE, "a dog")
    assert tuple(found) == DECODER[1:] and list(found.left_out) == ["localization-heads"]
    assert "vlmscope heads discover" in found.left_out["localization-heads"]
    assert found.warnings[-1].startswith("localization-heads was left out: No localization heads")
    # asked for by name, it is an error
    with pytest.raises(BadHeadSetError, match="No localization heads"):
        vs.compare_methods(model, IMAGE, "a dog", ["localization-heads", "mean-attention"])
    with pytest.raises(BadHeadSetError, match="no head L9H0"):
        vs.compare_methods(model, IMAGE, "a dog", heads=[(9, 0)])


def test_options_go_to_the_methods_that_have_them(model: LoadedModel) -> None:
    options = {"layer": 3, "last_layer": 2, "k": 1, "threshold": "otsu", "sigma": 0.5}
    found = vs.compare_methods(model, IMAGE, "a dog", heads=HEADS, rows="phrase", **options)
    details = {method: found[method][0].details for method in found}
    assert details["relative-attention"]["layers"] == [3]
    assert details["mean-attention"]["layers"] == [0, 1, 2]
    assert details["attend-minus-mean"]["layers"] == [0, 1, 2, 3]
    assert details["localization-heads"]["heads"] == ["L2H1"]
    for own in details.values():
        record = own.get("options") or own["post"]
        assert (record["threshold"], record["sigma"], own["rows"]) == ("otsu", 0.5, "phrase")
    paper = vs.compare_methods(model, IMAGE, "a dog", post="paper")
    assert {g[0].details["options"]["smoothing"] for g in paper.groundings.values()} == {"absolute"}


def test_masks_are_refined_with_one_embedding(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = Refiner.wrap(*tiny_sam(), name="tiny")
    calls: list[int] = []
    real = Refiner.refine

    def counted(self: Refiner, groundings: Any, *args: Any, **more: Any) -> Any:
        calls.append(len(groundings))
        return real(self, groundings, *args, **more)

    monkeypatch.setattr(Refiner, "refine", counted)
    found = vs.compare_methods(model, IMAGE, PHRASES, refine=sam, keep_negative=True)
    assert calls == [2 * len(DECODER[1:])]
    for own in found.groundings.values():
        assert [each.details["refined"]["model"] for each in own] == ["tiny", "tiny"]
    assert found["mean-attention"][0].method == "mean-attention"


def test_the_record_has_one_entry_per_phrase_and_method(model: LoadedModel) -> None:
    found = vs.compare_methods(model, IMAGE, PHRASES)
    record = json.loads(found.to_json(arrays=True))
    assert [(each["phrase"], each["method"]) for each in record["groundings"]] == [
        (phrase, method) for phrase in ("the red circle", "the dog") for method in DECODER[1:]
    ]
    assert record["methods"] == list(DECODER[1:]) and list(record["left_out"]) == [DECODER[0]]
    assert np.array(record["groundings"][0]["score_map"]).shape == (4, 4)
    assert "score_map" not in found.to_dict()["groundings"][0]


def test_no_phrase_at_all(model: LoadedModel) -> None:
    found = vs.compare_methods(model, IMAGE, [])
    assert found.phrases == () and found["mean-attention"] == () and list(found.by_phrase()) == []
    with pytest.raises(BadOptionError, match="nothing to draw"):
        found.overlay()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ({"methods": ["mean-atention"]}, UnknownNameError, "'mean-attention'"),
        ({"methods": ["gem"]}, UnsupportedError, "'gem' does not run on"),
        ({"methods": []}, BadOptionError, "one at least"),
        ({"methods": ["mean-attention"] * 2}, BadOptionError, "each method once"),
        ({"lair": 2}, UnknownNameError, "'layer'"),
        ({"layer": 9}, BadOptionError, "looks at the image"),
        ({"threshold": "ostu"}, UnknownNameError, "'otsu'"),
        ({"post": "papre"}, UnknownNameError, "'paper'"),
        ({"methods": ["mean-attention"], "heads": HEADS}, BadOptionError, "has a use for heads"),
        ({"methods": ["mean-attention"], "layer": 2}, UnknownNameError, "option 'layer'"),
        ({"refine": "sam"}, BadOptionError, "takes a Refiner"),
        ({"phrases": " "}, BadPhraseError, "empty"),
        ({"phrases": 3}, BadPhraseError, "got int"),
        ({"image": "none.png"}, BadImageError, "none.png"),
        ({"prompt": "papr"}, UnknownNameError, "'paper'"),
    ],
)
def test_bad_input(
    model: LoadedModel, call: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        vs.compare_methods(model, **{"image": IMAGE, "phrases": "a dog", **call})


def test_arguments_of_decoders_are_refused_by_encoders(encoder: DualEncoder) -> None:
    for name, value in (("heads", "L1H1"), ("rows", "phrase"), ("placement", "pad")):
        with pytest.raises(BadOptionError, match=f"has a use for {name}"):
            vs.compare_methods(encoder, IMAGE, "a cat", **{name: value})


def test_a_wrong_value_is_said_before_anything_is_computed(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmscope.methods.compare.ground", lambda *_, **__: pytest.fail("too late"))
    with pytest.raises(BadOptionError, match="layer takes a whole number"):
        vs.compare_methods(model, IMAGE, "a dog", layer="deep")


def test_ground_names_the_way_to_all_methods(model: LoadedModel) -> None:
    with pytest.raises(BadOptionError, match="vlmscope.compare_methods"):
        vs.ground(model, IMAGE, "a dog", method="all")


def test_what_runs_on_nothing() -> None:
    with pytest.raises(UnsupportedError, match="No method of vlmscope runs on stone"):
        methods_for(type("Stone", (), {"id": "stone"})())
