"""Boxes and polygons of Florence-2 are those of transformers' own post-processing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors import florence_processor, tiny_florence
from vlmscope.errors import BadPhraseError
from vlmscope.evaluation import comparators
from vlmscope.evaluation.comparators.florence2 import polygon_mask

TASKS = {
    "florence-2": "<CAPTION_TO_PHRASE_GROUNDING>",
    "florence-2-detection": "<OPEN_VOCABULARY_DETECTION>",
    "florence-2-segmentation": "<REFERRING_EXPRESSION_SEGMENTATION>",
}


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height).integers(0, 255, (height, width, 3), dtype=np.uint8)


def direct(hf: Any, processor: Any, image: NDArray[np.uint8], task: str, phrase: str) -> Any:
    """What somebody gets who calls transformers alone."""
    inputs = processor(images=image, text=task + phrase, return_tensors="pt")
    written = hf.generate(**inputs, max_new_tokens=39, num_beams=3, do_sample=False)
    text = processor.batch_decode(written, skip_special_tokens=False)[0]
    height, width = image.shape[:2]
    return processor.post_process_generation(text, task=task, image_size=(width, height))[task]


@pytest.mark.parametrize("size", [(50, 90), (90, 50)])
@pytest.mark.parametrize("id", ["florence-2", "florence-2-detection"])
@pytest.mark.parametrize("seed", [6, 8])
def test_boxes_are_a_direct_call(id: str, size: tuple[int, int], seed: int) -> None:
    hf, processor = tiny_florence(seed)
    found = comparators.wrap(id, hf, processor).find(noise(*size), "cat on the left")
    boxes = direct(hf, processor, noise(*size), TASKS[id], "cat on the left")["bboxes"]
    upright = [box for box in boxes if box[0] <= box[2] and box[1] <= box[3]]
    assert len(upright) >= 2
    assert found.boxes.tolist() == upright
    assert found.box == tuple(upright[0])
    assert (found.scores, found.score, found.mask) == (None, None, None)
    turned = len(boxes) - len(upright)
    assert any(note.endswith(f"its opposite one: {turned}.") for note in found.notes) == (
        turned > 0
    )


@pytest.mark.parametrize("seed", [8, 11])
def test_polygons_are_a_direct_call(seed: int) -> None:
    hf, processor = tiny_florence(seed)
    task = TASKS["florence-2-segmentation"]
    image = noise(50, 90)
    found = comparators.wrap("florence-2-segmentation", hf, processor).find(image, "cat")
    instances = direct(hf, processor, image, task, "cat")["polygons"]
    masks = [polygon_mask(polygons, 50, 90) for polygons in instances]
    assert found.mask is not None
    assert found.mask.any()
    assert np.array_equal(found.mask, np.logical_or.reduce(masks))
    assert len(found.boxes) == len(masks)


class Writes(nn.Module):
    """Gives the answer that it was made with."""

    def __init__(self, processor: Any, *words: str, positions: int = 40) -> None:
        super().__init__()
        text = SimpleNamespace(max_position_embeddings=positions)
        self.config = SimpleNamespace(text_config=text)
        self.device, self.dtype = torch.device("cpu"), torch.float32
        tokens = ["</s>", "<s>", *words, "</s>"]
        self.tokens = processor.tokenizer.convert_tokens_to_ids(tokens)

    def generate(self, **inputs: Any) -> Tensor:
        return torch.tensor([self.tokens])


def says(id: str, *words: str, **options: Any) -> comparators.Found:
    """What is found, in 200 x 400 pixels, by a model that writes so."""
    processor = florence_processor()
    hf = Writes(processor, *words, **options)
    kind = comparators.COMPARATORS.get(id)
    detector = comparators.Detector(kind, "by hand", None, hf, processor)
    return detector.find(np.zeros((200, 400, 3), dtype=np.uint8), "red cat")


def places(*bins: int) -> list[str]:
    return [f"<loc_{each}>" for each in bins]


def test_bins_are_thousandths_of_the_width_and_of_the_height() -> None:
    found = says("florence-2", "cat", *places(100, 100, 500, 999))
    # centres of bins, .4 and .2 pixels wide, and then whole pixels
    assert found.box == (40, 20, 200, 199)
    assert found.answer == "</s><s>cat<loc_100><loc_100><loc_500><loc_999></s>"
    assert found.text == "Locate the phrases in the caption: red cat"


def test_boxes_keep_the_order_in_which_they_were_written() -> None:
    first, second, third = (0, 0, 250, 250), (500, 500, 750, 750), (0, 500, 250, 750)
    found = says("florence-2", "cat", *places(*first, *second), "red", *places(*third))
    assert found.boxes.tolist() == [[0, 0, 100, 50], [200, 100, 300, 150], [0, 100, 100, 150]]


def test_an_answer_without_a_box() -> None:
    for id in TASKS:
        found = says(id, "no", "cat", *places(3, 4))
        assert found.box is None
        assert found.boxes.shape == (0, 4)
    assert says("florence-2-segmentation", "no").mask.shape == (200, 400)  # type: ignore[union-attr]
    assert not says("florence-2-segmentation", "no").mask.any()  # type: ignore[union-attr]


def test_boxes_written_backwards_are_left_out_and_counted() -> None:
    found = says("florence-2", "cat", *places(500, 500, 250, 750), *places(0, 0, 250, 250))
    assert found.boxes.tolist() == [[0, 0, 100, 50]]
    assert found.notes == ("Boxes left out, as an edge was written before its opposite one: 1.",)


def test_detection_takes_polygons_too() -> None:
    corners = places(0, 0, 250, 0, 250, 500, 0, 500)
    found = says("florence-2-detection", "cat", "<poly>", *corners, "</poly>")
    assert found.box == (0, 0, 101, 101)
    assert found.mask is None


def test_polygons_are_filled_with_their_edges() -> None:
    mask = polygon_mask([[2, 3, 7, 3, 7, 9, 2, 9], [0, 0, 5, 5]], 12, 10)
    expected = np.zeros((12, 10), dtype=bool)
    expected[3:10, 2:8] = True  # two corners alone draw nothing
    assert np.array_equal(mask, expected)


def test_an_answer_that_was_cut_off_says_so() -> None:
    words = ["cat", *places(*[0, 0, 250, 250] * 8)]  # 36 tokens with its begin and its end
    assert says("florence-2", *words, positions=37).notes == ()
    full = says("florence-2", *words, positions=36)
    assert full.notes == ("The answer was cut off after 35 tokens.",)


def test_phrases_that_florence_cannot_be_given() -> None:
    processor = florence_processor()
    kind = comparators.COMPARATORS.get("florence-2")
    image = np.zeros((20, 20, 3), dtype=np.uint8)
    detector = comparators.Detector(kind, "by hand", None, Writes(processor), processor)
    with pytest.raises(BadPhraseError, match="holds <OD>, which"):
        detector.find(image, "a <OD> cat")
    with pytest.raises(BadPhraseError, match="Florence-2 takes 40"):
        detector.find(image, "a cat " * 40)
