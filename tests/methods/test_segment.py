"""``segment``: the right class at the right pixel, raw scores kept, every bad input refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

import vlmscope as vs
from dual_families import DUAL, LABELS, READERS, clip, vit
from families import llava
from vlmscope.data.classes import ClassList
from vlmscope.errors import BadOptionError, BadPhraseError, UnknownNameError, UnsupportedError
from vlmscope.methods import segmenter
from vlmscope.methods.encoder import dense_tokens, phrase_embeddings
from vlmscope.methods.encoder.pixel_adaptive import refine_by_pixels
from vlmscope.models import DualEncoder
from vlmscope.post import smooth
from vlmscope.types import BACKGROUND


def noise(height: int = 48, width: int = 72, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return clip()


# what comes out


def test_scores_are_raw_cosines_and_labels_their_argmax(encoder: DualEncoder) -> None:
    pixels = noise()
    found = vs.segment(encoder, pixels, ["dog", "bus", "sky"], side=32, method="maskclip")
    fitted = encoder.fit(pixels, 32)
    method = segmenter(encoder, "dog, bus", "maskclip").setup.method
    tokens = dense_tokens(encoder, fitted.values, fitted.grid, method, method.options())
    text = phrase_embeddings(encoder, ["dog", "bus", "sky"], "photo")
    cosine = F.normalize(tokens.patches[0], dim=-1) @ text.T
    np.testing.assert_allclose(found.score_maps.reshape(3, -1).T, cosine, atol=1e-6)
    assert found.score_maps.dtype == np.float32
    painted = np.stack([fitted.token_map.to_pixels(column) for column in cosine.T.numpy()])
    assert found.labels.dtype == np.uint16
    assert found.labels.shape == found.image_size == (48, 72)
    np.testing.assert_array_equal(found.labels, painted.argmax(axis=0))
    logits = painted * encoder.family.logit_scale(encoder.hf)
    probability = np.exp(logits) / np.exp(logits).sum(axis=0)
    for index in range(3):
        mask = found.labels == index
        expected = probability[index][mask].mean() if mask.any() else 0
        assert found.confidence is not None
        assert found.confidence[index] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("family", DUAL)
def test_every_family_segments(family: str) -> None:
    classes = (
        "pet: dog|cat, bus, sky" if family in READERS else ["zebra", "pet: coach|human", "sky"]
    )
    found = vs.segment(DUAL[family](), noise(), classes, side=48)
    assert found.areas.sum() == 48 * 72
    assert found.areas[-1] == 0
    assert found.score_maps.shape == (3, 6, 9)
    assert np.isfinite(found.presence).all()


def test_a_class_scores_as_the_best_of_its_texts(encoder: DualEncoder) -> None:
    single = vs.segment(encoder, noise(), ["dog", "cat", "bus"])
    joined = vs.segment(encoder, noise(), {"pet": ["dog", "cat"], "bus": "bus"})
    np.testing.assert_array_equal(joined.score_maps[0], single.score_maps[:2].max(axis=0))
    np.testing.assert_array_equal(joined.score_maps[1], single.score_maps[2])
    assert joined.presence[0] == single.presence[:2].max()


def test_it_names_the_shapes_of_unseen_scenes() -> None:
    from vlmscope.tiny.world.scenes import render_scene

    model = vs.load("tiny-clip")
    scenes = [render_scene(20_000_000 + index) for index in range(5)]
    right: dict[str, list[float]] = {"gem": [], "clip": []}
    for method, options in (("gem", {"temperature": "perplexity"}), ("clip", {})):
        for scene in scenes:
            there = [f"{item.colour} {item.shape}" for item in scene.objects]
            found = vs.segment(
                model, scene.image, [*there, "yellow ring", "cyan square"], method, **options
            )
            right[method] += [
                float(found.mask(name)[item.mask].mean())
                for name, item in zip(there, scene.objects, strict=True)
            ]
    # of the pixels of an object, those that get its name; a guess gets a fifth
    assert np.mean(right["gem"]) > 0.7
    assert np.mean(right["clip"]) < 0.5


# background


def test_softmax_over_min_max_maps_can_never_reach_0_85_with_20_classes(
    encoder: DualEncoder,
) -> None:
    """The README of a public implementation: min-max maps, softmax over classes, threshold 0.85."""
    classes = [f"{word} thing" for word in "abcdefghijklmnopqrst"]
    patches = segmenter(encoder, classes, "maskclip")(noise()).score_maps.reshape(20, -1)
    low, high = patches.min(axis=1, keepdims=True), patches.max(axis=1, keepdims=True)
    stretched = (patches - low) / (high - low)
    wrong = np.exp(stretched) / np.exp(stretched).sum(axis=0)
    assert wrong.max() < np.e / (np.e + 19) < 0.85  # even one class at 1 and all others at 0

    words = ["dog", "cat", "man", "woman", "bus", "tree", "sky", "grass", "red", "green", "blue"]
    words += ["yellow", "circle", "square", "star", "cross", "photo", "texture", "child", "small"]
    ours = vs.segment(encoder, noise(), words, "maskclip", background=0.85, logit_scale=100.0)
    assert len(ours.names) == 20
    assert 0 < ours.areas[-1] < ours.labels.size
    assert ours.confidence is not None
    assert all(ours.confidence[index] >= 0.85 for index in ours.found)


def test_background_is_where_no_class_is_probable_enough(encoder: DualEncoder) -> None:
    free = vs.segment(encoder, noise(), "dog, bus, sky", "maskclip")
    assert not (free.labels == BACKGROUND).any()
    areas = []
    for floor in (0.34, 0.5, 0.7):
        held = vs.segment(encoder, noise(), "dog, bus, sky", "maskclip", background=floor)
        kept = held.labels != BACKGROUND
        np.testing.assert_array_equal(held.labels[kept], free.labels[kept])
        areas.append(held.areas[-1])
    assert areas[0] < areas[1] < areas[2]


def test_logit_scale_moves_probabilities_and_nothing_else(encoder: DualEncoder) -> None:
    soft = vs.segment(encoder, noise(), "dog, bus", logit_scale=1)
    sharp = vs.segment(encoder, noise(), "dog, bus", logit_scale=1000.0)
    np.testing.assert_array_equal(soft.labels, sharp.labels)
    assert soft.confidence is not None and sharp.confidence is not None
    assert soft.confidence.max() < 0.6 < 0.9 < sharp.confidence.max()


# classes that stand alone


def test_standalone_classes_have_their_own_thresholds(encoder: DualEncoder) -> None:
    one = vs.segment(encoder, noise(), "dog", compete=False)
    assert one.confidence is None
    assert 0 < one.areas[0] < one.labels.size
    two = vs.segment(encoder, noise(), "dog, bus", compete=False)
    np.testing.assert_allclose(two.score_maps[0], one.score_maps[0], atol=1e-6)
    lit = two.labels == 0
    assert (one.labels[lit] == 0).all()  # a rival takes pixels, it never adds any
    mean = vs.segment(encoder, noise(), "dog", compete=False, threshold="mean")
    assert mean.areas[0] != one.areas[0]


# other forms


def test_json_holds_every_class(encoder: DualEncoder) -> None:
    found = vs.segment(encoder, noise(), "dog, bus, sky", background=0.5)
    record = json.loads(found.to_json(arrays=True))
    assert [each["name"] for each in record["classes"]] == ["dog", "bus", "sky"]
    assert sum(c["area"] for c in record["classes"]) + record["background_area"] == 48 * 72
    assert record["image_size"] == {"height": 48, "width": 72}
    assert np.array(record["classes"][1]["score_map"]).shape == found.score_maps[1].shape
    assert record["classes"][1]["peak"] == pytest.approx(float(found.score_maps[1].max()))
    assert record["details"]["background"] == 0.5
    assert "score_map" not in json.loads(found.to_json())["classes"][0]


def test_supervision_gets_one_detection_per_class_with_pixels(encoder: DualEncoder) -> None:
    pytest.importorskip("supervision")
    found = vs.segment(encoder, noise(), "dog, bus, sky", "maskclip")
    detections = found.to_supervision()
    assert detections.class_id.tolist() == list(found.found)
    for mask, box, index in zip(detections.mask, detections.xyxy, detections.class_id, strict=True):
        np.testing.assert_array_equal(mask, found.mask(int(index)))
        rows, columns = np.nonzero(mask)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert detections.data["class_name"].tolist() == [found.names[i] for i in found.found]


def test_masks_by_name_and_index(encoder: DualEncoder) -> None:
    found = vs.segment(encoder, noise(), "dog, bus")
    np.testing.assert_array_equal(found.mask("bus"), found.mask(1))
    with pytest.raises(UnknownNameError, match="Unknown class 'buss'. Did you mean 'bus'"):
        found.mask("buss")
    with pytest.raises(UnknownNameError):
        found.mask(2)


# many classes, odd images


def test_a_thousand_classes_need_no_map_per_class(encoder: DualEncoder) -> None:
    import tracemalloc

    classes = [f"dog {i}" for i in range(1000)]
    ready = segmenter(encoder, classes, "maskclip")
    tracemalloc.start()
    found = ready(noise(300, 400))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.25 * 1000 * 300 * 400 * 4  # numpy's; a map of each class would take all of it
    assert found.score_maps.shape[0] == 1000


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 200)])
def test_images_smaller_than_a_patch_work(encoder: DualEncoder, size: tuple[int, int]) -> None:
    found = vs.segment(encoder, noise(*size), "dog, bus")
    assert found.labels.shape == size


def test_classes_are_embedded_once(encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = segmenter(encoder, "dog, bus", templates="imagenet")
    monkeypatch.setattr(type(encoder.family), "embed_text", None)
    first, second = ready(noise()), ready(noise(seed=1))
    assert not np.array_equal(first.score_maps, second.score_maps)


def test_templates_and_braces_in_names() -> None:
    encoder = clip(context=16)  # the longest template and name make 13 tokens
    found = vs.segment(encoder, noise(), ["{dog}", "a {} b", "{0}"], templates="imagenet")
    assert found.names == ("{dog}", "a {} b", "{0}")
    plain = phrase_embeddings(encoder, ["dog"], "none")
    torch.testing.assert_close(plain, encoder.text_embeddings(["dog"]))
    photo = phrase_embeddings(encoder, ["dog"], "photo")
    torch.testing.assert_close(photo, encoder.text_embeddings(["a photo of a dog."]))


def test_duplicate_classes_are_merged_with_a_warning(encoder: DualEncoder) -> None:
    found = vs.segment(encoder, noise(), ["dog", "bus", "Dog"], method="maskclip")
    assert found.names == ("dog", "bus")
    assert found.warnings == ("1 class was given more than once and merged: 'dog'",)


def test_duplicate_phrases_do_not_rival_each_other(encoder: DualEncoder) -> None:
    two = vs.ground(encoder, noise(), ["dog", "bus"], compete=True)
    three = vs.ground(encoder, noise(), ["dog", "bus", "dog"], compete=True)
    assert len(three) == 3
    np.testing.assert_array_equal(two[0].heatmap, three[2].heatmap)
    np.testing.assert_array_equal(two[1].heatmap, three[1].heatmap)


def test_smoothing_changes_labels_but_not_scores(encoder: DualEncoder) -> None:
    raw = vs.segment(encoder, noise(), "dog, bus, sky", "maskclip")
    soft = vs.segment(
        encoder, noise(), "dog, bus, sky", "maskclip", smoothing="absolute", sigma=1.5
    )
    np.testing.assert_array_equal(raw.score_maps, soft.score_maps)
    assert not np.array_equal(raw.labels, soft.labels)
    fitted = encoder.fit(noise())
    options = segmenter(
        encoder, "dog, bus", "maskclip", smoothing="absolute", sigma=1.5
    ).setup.options
    maps = smooth(fitted.token_map, raw.score_maps.reshape(3, -1), options)
    painted = np.stack([fitted.token_map.to_pixels(each) for each in maps])
    np.testing.assert_array_equal(soft.labels, painted.argmax(axis=0))


def test_pixels_refine_labels_and_nothing_else(encoder: DualEncoder) -> None:
    options = {"smoothing": "absolute", "sigma": 1.5}
    plain = vs.segment(encoder, noise(), "dog, bus, sky", "maskclip", **options)
    fine = vs.segment(
        encoder, noise(), "dog, bus, sky", "maskclip", refine_pixels=3, refine_side=64, **options
    )
    np.testing.assert_array_equal(fine.score_maps, plain.score_maps)
    np.testing.assert_array_equal(fine.presence, plain.presence)
    assert not np.array_equal(fine.labels, plain.labels)
    assert (fine.details["options"]["refine_pixels"], fine.details["options"]["refine_side"]) == (
        3,
        64,
    )
    settings = segmenter(encoder, "dog, bus", "maskclip", **options).setup.options
    where = encoder.fit(noise()).token_map
    smoothed = smooth(where, plain.score_maps.reshape(3, -1), settings).T
    where, refined = refine_by_pixels(where, smoothed, noise(), 3, 64)
    painted = np.stack([where.to_pixels(column) for column in refined.T])
    assert (fine.labels == painted.argmax(axis=0)).mean() > 0.999  # but for rounding at edges


def test_pixels_refine_classes_that_do_not_compete(encoder: DualEncoder) -> None:
    plain = vs.segment(encoder, noise(), "dog", "maskclip", compete=False)
    fine = vs.segment(encoder, noise(), "dog", "maskclip", compete=False, refine_pixels=3)
    assert 0 < fine.mask("dog").mean() < 1
    assert not np.array_equal(fine.labels, plain.labels)


# bad input

BAD: dict[str, tuple[Callable[[DualEncoder], object], type[Exception], str]] = {
    "one class": (
        lambda e: segmenter(e, "dog"),
        BadOptionError,
        "One class alone .'dog'. would take every pixel",
    ),
    "one class twice": (lambda e: segmenter(e, "dog, Dog"), BadOptionError, "One class alone"),
    "one class, background": (
        lambda e: segmenter(e, "dog", background=0.5),
        BadOptionError,
        "One class alone",
    ),
    "no class": (lambda e: segmenter(e, ""), BadPhraseError, "No class was given"),
    "background alone": (
        lambda e: segmenter(e, "dog", compete=False, background=0.5),
        BadOptionError,
        "for classes that compete; got 0.5 with compete=False",
    ),
    "background of 1": (lambda e: segmenter(e, "a, b", background=1), BadOptionError, "between 0"),
    "background True": (
        lambda e: segmenter(e, "a, b", background=True),
        BadOptionError,
        "got True",
    ),
    "logit scale 0": (
        lambda e: segmenter(e, "a, b", logit_scale=0),
        BadOptionError,
        "logit_scale is a number above 0, got 0",
    ),
    "option of ground": (
        lambda e: segmenter(e, "a, b", keep="area"),
        BadOptionError,
        "'keep' is about one region per phrase",
    ),
    "negative refinement": (
        lambda e: segmenter(e, "a, b", refine_pixels=-1),
        BadOptionError,
        "refine_pixels",
    ),
    "refinement of nothing": (
        lambda e: segmenter(e, "a, b", refine_side=4),
        BadOptionError,
        "refine_side",
    ),
    "option of standalone classes": (
        lambda e: segmenter(e, "a, b", threshold="mean"),
        BadOptionError,
        "'threshold' is for classes that do not compete",
    ),
    "unknown option": (
        lambda e: segmenter(e, "a, b", "gem", iteratons=2),
        UnknownNameError,
        "Did you mean 'iterations'",
    ),
    "unknown method": (
        lambda e: segmenter(e, "a, b", "gme"),
        UnknownNameError,
        "Did you mean 'gem'",
    ),
    "method without patches": (
        lambda e: segmenter(e, "a, b", "localization-heads"),
        UnsupportedError,
        "no scores per patch. For segmentation take one of: gem",
    ),
    "contrast of one text": (
        lambda e: segmenter(e, "dog", "clip-surgery", compete=False, feature_surgery=True),
        BadOptionError,
        "feature_surgery .* needs two or more",
    ),
    "side below a patch": (
        lambda e: segmenter(e, "a, b", side=4),
        BadOptionError,
        "smaller than one patch",
    ),
    "side that no image could have": (
        lambda e: segmenter(e, "a, b", side=8 * 257),
        BadOptionError,
        "^The side 2056 makes 257x257 patches of 8 pixels, .* Use a smaller side.$",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_before_any_image(encoder: DualEncoder, what: str) -> None:
    call, kind, message = BAD[what]
    with pytest.raises(kind, match=message):
        call(encoder)


def test_a_classifier_knows_its_labels_only() -> None:
    with pytest.raises(UnknownNameError, match="Unknown label 'zebr'. Did you mean 'zebra'"):
        segmenter(vit(), ["zebr", "bus"])
    found = vs.segment(vit(), noise(), list(LABELS))
    assert found.names[0] == "tabby, tabby cat"


def test_a_language_model_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="segment needs a dual encoder such as CLIP"):
        vs.segment(llava(), noise(), "dog, bus")


def test_class_lists_are_taken_as_they_are(encoder: DualEncoder) -> None:
    listed = ClassList.of("dog, bus")
    assert segmenter(encoder, listed).classes is listed


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_scores_are_not_rounded_to_it(dtype: torch.dtype) -> None:
    model = clip()
    full = vs.segment(model, noise(), "dog, bus", "maskclip")
    model.hf.to(dtype)
    model._texts.clear()
    half = vs.segment(model, noise(), "dog, bus", "maskclip")
    assert half.score_maps.dtype == np.float32
    np.testing.assert_allclose(half.score_maps, full.score_maps, atol=0.05)
    as_half = torch.from_numpy(half.score_maps).to(dtype).float().numpy()
    assert not np.array_equal(as_half, half.score_maps)


# absent classes and background by score


def test_an_absent_class_gets_no_pixels_and_the_others_are_as_without_it(
    encoder: DualEncoder,
) -> None:
    names = ["dog", "bus", "sky", "grass"]
    everything = vs.segment(encoder, noise(), names, method="maskclip")
    least = float(np.sort(everything.presence)[1:3].mean())  # two classes have more, two less
    found = vs.segment(encoder, noise(), names, method="maskclip", least_presence=least)
    there = [name for name, p in zip(names, everything.presence, strict=True) if p >= least]
    alone = vs.segment(encoder, noise(), there, method="maskclip")
    np.testing.assert_array_equal(found.score_maps, everything.score_maps)  # raw as ever
    assert len(there) == 2
    assert alone.confidence is not None
    assert found.confidence is not None
    for name in names:
        index = names.index(name)
        if name in there:
            np.testing.assert_array_equal(found.mask(name), alone.mask(name))
            ours, theirs = found.confidence[index], alone.confidence[there.index(name)]
            assert ours == pytest.approx(theirs, rel=1e-5)
        else:
            assert not found.mask(name).any()
            assert found.confidence[index] == 0
    assert found.details["least_presence"] == least


@pytest.mark.parametrize("compete", [True, False])
def test_with_every_class_absent_all_is_background(encoder: DualEncoder, compete: bool) -> None:
    found = vs.segment(encoder, noise(), "dog, bus", compete=compete, least_presence=1.0)
    assert (found.labels == BACKGROUND).all()
    assert found.found == ()
    assert json.loads(found.to_json())["background_area"] == 48 * 72


def test_an_absent_class_lights_nothing_by_itself_either(encoder: DualEncoder) -> None:
    lit = vs.segment(encoder, noise(), "dog, bus", "gem", compete=False)
    assert {0, 1} == set(lit.found)
    least = float(lit.presence.mean())
    found = vs.segment(encoder, noise(), "dog, bus", "gem", compete=False, least_presence=least)
    absent = int(lit.presence.argmin())
    assert found.found == (1 - absent,)
    np.testing.assert_array_equal(found.mask(1 - absent) >= lit.mask(1 - absent), True)


def test_pixels_below_the_least_score_are_background(encoder: DualEncoder) -> None:
    pixels = noise()
    plain = vs.segment(encoder, pixels, ["dog", "bus", "sky"], method="maskclip")
    token_map = encoder.fit(pixels, 32).token_map
    painted = np.stack([token_map.to_pixels(m.ravel()) for m in plain.score_maps])
    best = painted.max(axis=0)
    least = float(np.median(best))
    found = vs.segment(encoder, pixels, ["dog", "bus", "sky"], method="maskclip", least_score=least)
    clear = np.abs(best - least) > 1e-5  # one tensordot or another: either side of a tie
    assert clear.mean() > 0.99
    expected = np.where(best > least, plain.labels, BACKGROUND)
    np.testing.assert_array_equal(found.labels[clear], expected[clear])
    assert found.details["least_score"] == least


@pytest.mark.parametrize(
    "wrong",
    [
        {"least_presence": 1.1},
        {"least_presence": float("nan")},
        {"least_presence": True},
        {"least_score": -2},
        {"least_score": "0.2"},
        {"least_score": 0.2, "compete": False},
    ],
)
def test_thresholds_that_no_cosine_has_are_refused(
    encoder: DualEncoder, wrong: dict[str, object]
) -> None:
    with pytest.raises(BadOptionError, match="least_"):
        segmenter(encoder, "dog, bus", **wrong)
