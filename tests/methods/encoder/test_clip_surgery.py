"""Feature surgery against loops over patches, phrases and channels, in numbers and in every door."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import vlmscope as vs
from dual_families import DUAL, READERS, clip
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.methods import get_method
from vlmscope.methods.encoder import (
    DenseSetup,
    compare,
    compare_together,
    phrase_embeddings,
    tokens_of_methods,
)
from vlmscope.methods.encoder.clip_surgery import (
    ClipSurgeryOptions,
    feature_surgery,
    phrase_weights,
)
from vlmscope.methods.encoder.texts import template_texts
from vlmscope.models import DualEncoder

WEIGHTED = ("mean", "paper", "code")
EMPTY: dict[str, Any] = {"feature_surgery": True, "redundant": "empty"}
BACKGROUND = ["sky", "grass", "texture"]
PIXELS = np.random.default_rng(0).integers(0, 255, (48, 72, 3), np.uint8)


def naive(patches: Tensor, image: Tensor, texts: Tensor, redundant: str) -> Tensor:
    """One image, channel by channel, as the paper writes it: float64 (patches, texts).

    Args:
        patches: unit vectors (patches, joint).
        image: unit vector (joint,).
        texts: unit vectors (texts, joint).
        redundant: "mean", "paper" or "code".
    """
    count, channels = texts.shape
    exponentials = [math.exp(2 * float(image @ text)) for text in texts]
    weights = [count * each / sum(exponentials) for each in exponentials]
    result = torch.zeros(len(patches), count, dtype=torch.float64)
    for p, patch in enumerate(patches):
        for c in range(channels):
            products = [float(patch[c] * text[c]) for text in texts]
            weighted = [w * value for w, value in zip(weights, products, strict=True)]
            shared = sum(products if redundant == "mean" else weighted) / count
            for t in range(count):
                own = weighted[t] if redundant == "code" else products[t]
                result[p, t] += own - shared
    return result


def naive_against_an_empty_text(patches: Tensor, texts: Tensor, empty: Tensor) -> Tensor:
    """One image against texts from each of which the empty text is taken away."""
    result = torch.zeros(len(patches), len(texts), dtype=torch.float64)
    for p, patch in enumerate(patches):
        for t, text in enumerate(texts):
            result[p, t] = sum(float(patch[c] * (text[c] - empty[c])) for c in range(len(empty)))
    return result


def unit(*shape: int) -> Tensor:
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1)


def surgery(**options: Any) -> ClipSurgeryOptions:
    return ClipSurgeryOptions(feature_surgery=True, **options)


# the formula


@pytest.mark.parametrize("redundant", WEIGHTED)
@pytest.mark.parametrize("texts", [2, 3, 9])
def test_cosines_are_enough_for_what_is_published_channel_by_channel(
    redundant: str, texts: int
) -> None:
    torch.manual_seed(texts)
    patches, images, phrases = unit(3, 5, 7), unit(3, 7), unit(texts, 7)
    found = feature_surgery(patches @ phrases.T, images @ phrases.T, redundant)
    expected = [naive(p, i, phrases, redundant) for p, i in zip(patches, images, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-14, rtol=0)


def test_weights_of_numbers_worked_out_by_hand() -> None:
    """exp(2 * 0.5 ln 3) = 3 and exp(0) = 1: shares 3/4 and 1/4, of mean 1/2."""
    whole = torch.tensor([[0.5 * math.log(3), 0.0], [0.2, 0.2]], dtype=torch.float64)
    expected = torch.tensor([[1.5, 0.5], [1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(phrase_weights(whole), expected)
    similarity = torch.tensor([[[0.4, 0.8]], [[0.4, 0.8]]], dtype=torch.float64)
    shown = {
        name: feature_surgery(similarity, whole, name).flatten(1).tolist() for name in WEIGHTED
    }
    assert shown["mean"] == [pytest.approx([-0.2, 0.2]), pytest.approx([-0.2, 0.2])]
    assert shown["paper"] == [pytest.approx([-0.1, 0.3]), pytest.approx([-0.2, 0.2])]
    assert shown["code"] == [pytest.approx([0.1, -0.1]), pytest.approx([-0.2, 0.2])]


def test_only_the_weighting_of_each_map_changes_which_phrase_is_first() -> None:
    torch.manual_seed(0)
    similarity, whole = torch.rand(2, 40, 6), torch.rand(2, 6)
    best = similarity.argmax(-1)
    for name in ("mean", "paper"):
        assert torch.equal(feature_surgery(similarity, whole, name).argmax(-1), best)
    assert not torch.equal(feature_surgery(similarity, whole, "code").argmax(-1), best)


def test_without_it_nothing_is_touched() -> None:
    method = get_method("clip-surgery")
    similarity = torch.rand(1, 5, 1)
    assert method.refine(similarity, torch.rand(1, 1), ClipSurgeryOptions()) is similarity
    assert ClipSurgeryOptions().feature_surgery is False
    assert method.companions(DUAL["clip"](), ClipSurgeryOptions(redundant="empty")) is None


# on every kind of encoder


def tokens_of(encoder: DualEncoder, options: Any) -> tuple[Tensor, Tensor]:
    """Unit vectors of patches (patches, joint) and of the image (joint,), float64."""
    fitted = encoder.fit(PIXELS, encoder.native_side)
    runs = [(get_method("clip-surgery"), options)]
    (found,) = tokens_of_methods(encoder, fitted.values, fitted.grid, runs, pooled=True)
    assert found.pooled is not None
    patches, image = found.patches[0].double(), found.pooled[0].double()
    return F.normalize(patches, dim=-1), F.normalize(image, dim=-1)


def names_for(family: str) -> list[str]:
    return ["dog", "bus", *BACKGROUND] if family in READERS else ["bus", "zebra", "sky"]


@pytest.mark.parametrize("redundant", WEIGHTED)
@pytest.mark.parametrize("family", DUAL)
def test_every_family_is_weighted_by_its_own_image_embedding(family: str, redundant: str) -> None:
    encoder, options, names = DUAL[family](), surgery(redundant=redundant), names_for(family)
    texts = phrase_embeddings(encoder, names, "photo")
    patches, image = tokens_of(encoder, options)
    expected = naive(patches, image, texts.double(), redundant)
    setup = DenseSetup(get_method("clip-surgery"), encoder, options)
    found = compare(setup, PIXELS, texts)
    torch.testing.assert_close(found.patches.double(), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.whole.double(), texts.double() @ image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("names", [["dog"], ["dog", "bus", *BACKGROUND]], ids=["one", "several"])
@pytest.mark.parametrize("family", READERS)
def test_an_empty_text_is_taken_away_from_one_phrase_or_several(
    family: str, names: list[str]
) -> None:
    encoder, options = DUAL[family](), surgery(redundant="empty")
    texts = phrase_embeddings(encoder, names, "photo")
    empty = encoder.text_embeddings(["a photo of a ."])[0]
    patches, image = tokens_of(encoder, options)
    expected = naive_against_an_empty_text(patches, texts.double(), empty.double())
    found = compare(DenseSetup(get_method("clip-surgery"), encoder, options), PIXELS, texts)
    torch.testing.assert_close(found.patches.double(), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.whole.double(), texts.double() @ image, atol=1e-6, rtol=0)


def test_the_empty_text_goes_through_every_template() -> None:
    encoder = clip(context=24)
    options = surgery(redundant="empty", templates="imagenet")
    texts = [each.replace("{}", "") for each in template_texts("imagenet")]
    mean = encoder.text_embeddings(texts).mean(dim=0, keepdim=True)
    found = get_method("clip-surgery").companions(encoder, options)
    torch.testing.assert_close(found, mean / mean.norm())


@pytest.mark.parametrize("redundant", ["paper", "code"])
def test_over_windows_a_phrase_counts_by_the_window_it_fits_best(redundant: str) -> None:
    """One weight per phrase for the whole image: no border of a window shows."""
    encoder, method = DUAL["clip"](), get_method("clip-surgery")
    texts = phrase_embeddings(encoder, ["dog", "bus", "sky"], "photo")
    view = {"side": 48, "window": 32, "stride": 16}
    plain = compare(DenseSetup(method, encoder, ClipSurgeryOptions(**view)), PIXELS, texts)
    options = surgery(redundant=redundant, **view)
    found = compare(DenseSetup(method, encoder, options), PIXELS, texts)
    expected = feature_surgery(plain.patches[None], plain.whole[None], redundant)[0]
    assert found.windows > 1
    torch.testing.assert_close(found.patches, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.whole, plain.whole, atol=1e-6, rtol=0)


# through ground and segment


@pytest.mark.parametrize("redundant", [*WEIGHTED, "empty"])
def test_ground_and_segment_give_the_same_scores_and_presences(redundant: str) -> None:
    encoder, options = DUAL["clip"](), {"feature_surgery": True, "redundant": redundant}
    names = ["dog", "bus", *BACKGROUND]
    found = vs.ground(encoder, PIXELS, names, method="clip-surgery", **options)
    labels = vs.segment(encoder, PIXELS, names, "clip-surgery", **options)
    texts = phrase_embeddings(encoder, names, "photo")
    similarity = compare(
        DenseSetup(get_method("clip-surgery"), encoder, surgery(redundant=redundant)),
        PIXELS,
        texts,
    )
    for index, grounding in enumerate(found):
        peak = float(similarity.patches[:, index].max())
        presence = (peak + float(similarity.whole[index])) / 2
        assert grounding.score == pytest.approx(peak, abs=1e-6)
        assert grounding.details["presence"] == pytest.approx(presence, abs=1e-6)
        assert grounding.details["options"]["redundant"] == redundant
        assert labels.presence[index] == pytest.approx(presence, abs=1e-6)
        np.testing.assert_allclose(labels.score_maps[index].max(), peak, atol=1e-6)


def test_one_phrase_alone_is_found_without_what_an_empty_text_shows() -> None:
    encoder = DUAL["clip"]()
    found = vs.ground(encoder, PIXELS, "dog", method="clip-surgery", **EMPTY)
    beside = vs.ground(encoder, PIXELS, ["dog", "sky"], method="clip-surgery", **EMPTY)
    np.testing.assert_allclose(found.score_map, beside[0].score_map, atol=1e-6)
    labels = vs.segment(encoder, PIXELS, "dog", "clip-surgery", compete=False, **EMPTY)
    np.testing.assert_allclose(labels.score_maps[0].max(), found.score, atol=1e-6)


def test_methods_that_share_a_pass_keep_their_own_companions() -> None:
    encoder, method = DUAL["clip"](), get_method("clip-surgery")
    texts = phrase_embeddings(encoder, ["dog", "bus"], "photo")
    chosen = [ClipSurgeryOptions(), surgery(redundant="empty"), surgery(redundant="paper")]
    setups = [DenseSetup(method, encoder, options) for options in chosen]
    together = compare_together(setups, PIXELS, texts)
    for setup, found in zip(setups, together, strict=True):
        alone = compare(setup, PIXELS, texts)
        assert found.patches.shape[-1] == found.whole.shape[0] == 2
        torch.testing.assert_close(found.patches, alone.patches, atol=1e-6, rtol=0)


# what is refused


@pytest.mark.parametrize("redundant", WEIGHTED)
def test_one_phrase_has_nothing_in_common_with_others(redundant: str) -> None:
    encoder, options = DUAL["clip"](), {"feature_surgery": True, "redundant": redundant}
    message = "needs two or more, and there is one.*redundant='empty'"
    with pytest.raises(BadOptionError, match=message):
        vs.ground(encoder, PIXELS, "dog", method="clip-surgery", **options)
    with pytest.raises(BadOptionError, match=message):
        vs.segment(encoder, PIXELS, "dog", "clip-surgery", compete=False, **options)


def test_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="redundant.*Did you mean 'mean'"):
        ClipSurgeryOptions(redundant="meen")
    with pytest.raises(UnknownNameError, match="redundant"):
        ClipSurgeryOptions(redundant=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["vit", "deit"])
def test_a_classifier_reads_no_empty_text(family: str) -> None:
    message = "reads no text but its labels. Use redundant='mean' or 'paper'"
    with pytest.raises(UnsupportedError, match=message):
        vs.ground(DUAL[family](), PIXELS, "sky", method="clip-surgery", **EMPTY)


def test_an_empty_text_needs_a_template_and_is_refused_before_any_image() -> None:
    with pytest.raises(BadOptionError, match="templates='none' leaves no text"):
        vs.ground(DUAL["clip"](), PIXELS, "dog", "clip-surgery", templates="none", **EMPTY)
    with pytest.raises(BadOptionError, match="templates='none' leaves no text"):
        vs.methods.segmenter(DUAL["clip"](), "dog, bus", "clip-surgery", templates="none", **EMPTY)
