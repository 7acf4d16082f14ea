"""Boxes of (MM-)Grounding DINO and OWLv2 are those of transformers' own post-processing, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors import tiny_grounding_dino, tiny_owlv2
from vlmscope.errors import BadImageError, BadPhraseError, UnsupportedError
from vlmscope.evaluation import comparators
from vlmscope.evaluation.comparators.grounding_dino import item_of

SIZES = [(60, 60), (40, 90), (90, 40), (3, 50)]


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height).integers(0, 255, (height, width, 3), dtype=np.uint8)


def direct(hf: Any, processor: Any, image: NDArray[np.uint8], text: str, **options: Any) -> Any:
    """What somebody gets who calls transformers alone."""
    inputs = processor(
        images=image, text=text, return_tensors="pt", input_data_format="channels_last", **options
    )
    with torch.no_grad():
        outputs = hf(**inputs)
    sizes = torch.tensor([image.shape[:2]])
    (result,) = processor.post_process_grounded_object_detection(
        outputs, threshold=0.0, target_sizes=sizes
    )
    return result


def scores_of(found: comparators.Found) -> list[float]:
    assert found.scores is not None
    scores: list[float] = found.scores.tolist()
    return scores


@pytest.mark.parametrize("mm", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_grounding_dino_is_a_direct_call(size: tuple[int, int], mm: bool) -> None:
    hf, processor = tiny_grounding_dino(mm)
    id = "mm-grounding-dino" if mm else "grounding-dino"
    found = comparators.wrap(id, hf, processor).find(noise(*size), "The Red cat")
    expected = direct(hf, processor, noise(*size), "the red cat.")
    order = expected["scores"].argsort(descending=True, stable=True)
    assert len(order) == 12
    assert np.array_equal(found.boxes, expected["boxes"][order].numpy())
    assert scores_of(found) == expected["scores"][order].tolist()
    assert found.box == tuple(expected["boxes"][expected["scores"].argmax()].tolist())
    assert found.score == expected["scores"].max()
    assert (found.text, found.mask, found.notes) == ("the red cat.", None, ())


@pytest.mark.parametrize("size", SIZES)
def test_owlv2_is_a_direct_call_cut_at_the_edge(size: tuple[int, int]) -> None:
    hf, processor = tiny_owlv2()
    height, width = size
    found = comparators.wrap("owlv2", hf, processor).find(noise(*size), "a red cat")
    expected = direct(hf, processor, noise(*size), "a red cat")
    order = expected["scores"].argsort(descending=True, stable=True)
    boxes = expected["boxes"][order].numpy()
    assert np.array_equal(found.boxes, boxes.clip(0, [width, height, width, height]))
    assert (boxes > [width, height, width, height]).any()  # or nothing would have been cut
    assert scores_of(found) == expected["scores"][order].tolist()
    assert len(found.boxes) > 40  # overlapping ones are all there


def test_no_box_is_dropped_for_a_low_score() -> None:
    hf, processor = tiny_grounding_dino(mm=True)
    found = comparators.wrap("mm-grounding-dino", hf, processor).find(noise(60, 60), "a dog")
    assert found.score is not None
    assert found.score < 0.25  # the default threshold would leave nothing
    assert len(found.boxes) == 12


@pytest.mark.parametrize(
    ("phrase", "item"),
    [
        ("A Cat", "a cat."),
        ("a cat.", "a cat."),
        ("  no. 5 on the left...", "no 5 on the left."),
        ("which dog? the red one", "which dog the red one."),
    ],
)
def test_a_phrase_is_one_item(phrase: str, item: str) -> None:
    assert item_of(phrase) == item


def test_a_stop_inside_changes_nothing() -> None:
    detector = comparators.wrap("grounding-dino", *tiny_grounding_dino())
    image = noise(60, 60)
    stopped, plain = detector.find(image, "no. 5"), detector.find(image, "no 5")
    assert scores_of(stopped) == scores_of(plain)
    assert scores_of(stopped) != scores_of(detector.find(image, "no dog"))


def test_long_phrases_are_cut_and_say_so() -> None:
    image = noise(60, 60)
    owl = comparators.wrap("owlv2", *tiny_owlv2())
    whole, cut = owl.find(image, "a cat on the left"), owl.find(image, "a cat on the left of a dog")
    assert whole.notes == ()
    assert cut.notes == ("The phrase was cut to the 7 of its 10 tokens that the model takes.",)
    assert np.array_equal(whole.boxes, cut.boxes)
    dino = comparators.wrap("grounding-dino", *tiny_grounding_dino(length=8))
    (note,) = dino.find(image, "a cat on the left of a dog").notes
    assert "the 8 of its 11 tokens" in note


@pytest.mark.parametrize("id", comparators.COMPARATORS.ids)
def test_phrases_that_say_nothing(id: str) -> None:
    kind = comparators.COMPARATORS.get(id)
    detector = comparators.Detector(kind, "none", None, torch.nn.Linear(1, 1), None)
    for phrase in ("", "  \n"):
        with pytest.raises(BadPhraseError, match="empty"):
            detector.find(noise(8, 8), phrase)
    with pytest.raises(BadPhraseError, match="holds no word"):
        detector.find(noise(8, 8), " ... ?")
    with pytest.raises(BadPhraseError, match="must be text, got int"):
        detector.find(noise(8, 8), 3)  # type: ignore[arg-type]
    with pytest.raises(BadImageError, match="no image file"):
        detector.find("nowhere.png", "a cat")


def test_an_image_too_narrow_for_the_processor() -> None:
    detector = comparators.wrap("grounding-dino", *tiny_grounding_dino())
    with pytest.raises(BadImageError, match="1x4000 pixels"):
        detector.find(noise(1, 4000), "a cat")


def test_numbers_that_are_none_are_no_miss() -> None:
    hf, processor = tiny_owlv2()
    hf.box_head.dense2.bias.data[:] = torch.nan
    with pytest.raises(UnsupportedError, match=r"NaN.*float32"):
        comparators.wrap("owlv2", hf, processor).find(noise(60, 60), "a cat")


def test_what_was_in_training_mode_stays_so_and_is_not_used_in_it() -> None:
    hf, processor = tiny_grounding_dino()
    detector = comparators.wrap("grounding-dino", hf, processor)
    expected = detector.find(noise(60, 60), "a cat")
    hf.train()
    found = detector.find(noise(60, 60), "a cat")
    assert np.array_equal(found.boxes, expected.boxes)
    assert hf.training
