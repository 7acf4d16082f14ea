"""The presence score: what it is, and that it beats the peak where there is truth to compare with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import vlmscope as vs
from dual_families import DUAL, READERS
from vlmscope.errors import UnknownNameError
from vlmscope.methods.encoder import original_tokens
from vlmscope.methods.encoder.presence_rules import rivals
from vlmscope.methods.encoder.similarity import best_of_each


@pytest.mark.parametrize("family", DUAL)
def test_it_is_the_mean_of_the_peak_and_the_whole_image(family: str) -> None:
    encoder = DUAL[family]()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 72, 3), np.uint8)
    names = ["dog", "sky"] if family in READERS else ["zebra", "sky"]
    found = vs.ground(encoder, pixels, names, method="gem", templates="none")
    fitted = encoder.fit(pixels)
    with torch.no_grad():
        tokens = original_tokens(encoder, fitted.values, fitted.grid)
        whole = F.normalize(encoder.family.pool(encoder.hf, tokens), dim=-1)[0]
    for grounding, text in zip(found, encoder.text_embeddings(names), strict=True):
        expected = (grounding.score_map.max() + float(whole @ text)) / 2
        assert grounding.details["presence"] == pytest.approx(expected, abs=1e-5)
        assert "mean of the peak" in grounding.details["presence_is"]


def test_segment_and_ground_agree() -> None:
    encoder = DUAL["clip"]()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 72, 3), np.uint8)
    found = vs.segment(encoder, pixels, "dog, bus", method="gem")
    grounded = vs.ground(encoder, pixels, ["dog", "bus"], method="gem")
    np.testing.assert_allclose(
        found.presence, [each.details["presence"] for each in grounded], atol=1e-6
    )


def test_a_competing_phrase_keeps_its_raw_presence() -> None:
    encoder = DUAL["clip"]()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 72, 3), np.uint8)
    alone = vs.ground(encoder, pixels, "dog", method="gem")
    rivals = vs.ground(encoder, pixels, ["dog", "bus"], method="gem", compete=True)
    assert rivals[0].details["presence"] == pytest.approx(alone.details["presence"], abs=1e-6)
    assert rivals[0].score == pytest.approx(alone.score, abs=1e-6)


def test_best_of_each_class() -> None:
    values = torch.tensor([[1.0, 5.0, 2.0, -3.0], [4.0, 0.0, -1.0, -2.0]])
    assert best_of_each(values, (0, 0, 1, 2), 3).tolist() == [[5.0, 2.0, -3.0], [4.0, -1.0, -2.0]]
    assert best_of_each(values[0], (0, 1, 1, 1), 2).tolist() == [1.0, 5.0]
    assert torch.equal(best_of_each(values, (0, 1, 2, 3), 4), values)


def test_it_tells_absent_from_present_better_than_the_peak() -> None:
    """On unseen scenes: every colour with every shape, most of them absent."""
    from vlmscope.methods import segmenter
    from vlmscope.tiny.world.scenes import render_scene
    from vlmscope.tiny.world.words import COLOURS, SHAPES

    names = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    model = vs.load("tiny-clip")
    ready = segmenter(model, names, "gem", temperature="perplexity")
    there, presence, peaks = [], [], []
    for seed in range(20_000_000, 20_000_016):
        scene = render_scene(seed)
        found = ready(scene.image)
        objects = {f"{item.colour} {item.shape}" for item in scene.objects}
        there.append([name in objects for name in names])
        presence.append(found.presence)
        peaks.append(found.score_maps.max(axis=(1, 2)))
    ours, peak = auc(presence, there), auc(peaks, there)
    assert ours > 0.98
    assert ours > peak + 0.02


def auc(scores: list[np.ndarray], there: list[list[bool]]) -> float:
    """The share of (present, absent) pairs in which the present one scores higher."""
    values, truth = np.array(scores), np.array(there)
    return float((values[truth][:, None] > values[~truth][None, :]).mean())


def test_rivals_is_the_best_log_probability_of_a_patch() -> None:
    scores = torch.randn(7, 5, generator=torch.Generator().manual_seed(0)) * 0.1
    found = rivals(scores, 100.0)
    for index in range(5):
        logs = [
            float(row[index]) - np.log(np.exp(40 * row.double().numpy()).sum()) / 40
            for row in scores
        ]
        assert float(found[index]) == pytest.approx(max(logs), abs=1e-6)
    assert (found <= 0).all()


def test_segment_tells_presence_by_the_rule_that_is_asked_for() -> None:
    encoder = DUAL["clip"]()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 72, 3), np.uint8)
    classes = {"dog": ["dog"], "vehicle": ["bus", "cat"]}
    plain = vs.segment(encoder, pixels, classes)
    found = vs.segment(encoder, pixels, classes, presence_rule="rivals")
    scale = encoder.family.logit_scale(encoder.hf)
    expected = rivals(torch.from_numpy(plain.score_maps.reshape(2, -1).T), scale)
    np.testing.assert_allclose(found.presence, expected, atol=1e-6)
    assert "softmax over all classes" in found.details["presence_is"]
    np.testing.assert_array_equal(found.labels, plain.labels)
    gated = vs.segment(
        encoder, pixels, classes, presence_rule="rivals", least_presence=float(expected.max())
    )
    assert len(gated.found) == 1 and gated.found[0] == int(expected.argmax())
    with pytest.raises(UnknownNameError, match="presence_rule"):
        vs.segment(encoder, pixels, classes, presence_rule="rival")
