"""A detector whose answer is set by hand gives the box where it was set, in the original image.

The stand-ins look for the one bright rectangle in what the processor hands them, and answer in the
convention of the model that they stand for: whatever is done to the image on the way must be undone.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors import florence_processor, tiny_grounding_dino, tiny_owlv2
from vlmscope.evaluation.comparators import COMPARATORS, Detector

# (height, width), and the rectangle xyxy: square, wide, tall
PLACES = [
    ((60, 60), (10, 20, 40, 50)),
    ((60, 180), (120, 10, 170, 40)),
    ((180, 60), (10, 120, 40, 170)),
    ((200, 50), (0, 150, 50, 200)),
]


def picture(size: tuple[int, int], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    image = np.zeros((*size, 3), dtype=np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1, x0:x1] = 255
    return image


def seen(values: Tensor) -> tuple[float, float, float, float]:
    """The bright rectangle (x0, y0, x1, y1) as shares of what the model sees."""
    light = values[0].mean(0)
    bright = light > (light.min() + light.max()) / 2
    rows, columns = bright.any(1).nonzero()[:, 0], bright.any(0).nonzero()[:, 0]
    height, width = bright.shape
    return (
        columns[0].item() / width,
        rows[0].item() / height,
        (columns[-1].item() + 1) / width,
        (rows[-1].item() + 1) / height,
    )


class ByHand(nn.Module):
    """Boxes around what is bright, and one elsewhere with a lower score."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.device, self.dtype = torch.device("cpu"), torch.float32

    def forward(self, pixel_values: Tensor, **rest: Any) -> Any:
        x0, y0, x1, y1 = seen(pixel_values)
        box = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
        boxes = torch.tensor([[[0.1, 0.1, 0.1, 0.1], box]])
        return SimpleNamespace(logits=torch.tensor([[[-5.0], [2.0]]]), pred_boxes=boxes)


@pytest.mark.parametrize(("size", "box"), PLACES)
@pytest.mark.parametrize("id", ["grounding-dino", "mm-grounding-dino", "owlv2"])
def test_boxes_lie_where_they_were_set(
    id: str, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    hf, processor = tiny_owlv2() if id == "owlv2" else tiny_grounding_dino()
    detector = Detector(COMPARATORS.get(id), "by hand", None, ByHand(hf.config), processor)
    found = detector.find(picture(size, box), "a cat")
    # half a pixel of the smaller picture that the model sees
    assert found.box == pytest.approx(box, abs=2.5)
    assert found.score == pytest.approx(torch.tensor(2.0).sigmoid().item())
    assert len(found.boxes) == 2


@pytest.mark.parametrize(("size", "box"), PLACES)
def test_owlv2_cuts_what_reaches_into_its_padding(
    size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    hf, processor = tiny_owlv2()

    class Whole(ByHand):
        def forward(self, pixel_values: Tensor, **rest: Any) -> Any:
            whole = torch.tensor([[[0.5, 0.5, 1.0, 1.0]]])
            return SimpleNamespace(logits=torch.zeros(1, 1, 1), pred_boxes=whole)

    detector = Detector(COMPARATORS.get("owlv2"), "by hand", None, Whole(hf.config), processor)
    height, width = size
    assert detector.find(picture(size, box), "a cat").box == (0, 0, width, height)


class Writer(ByHand):
    """Writes the place of what is bright, as a box or as its four corners."""

    def __init__(self, processor: Any, polygon: bool) -> None:
        super().__init__(SimpleNamespace(text_config=SimpleNamespace(max_position_embeddings=40)))
        self.tokenizer, self.polygon = processor.tokenizer, polygon

    def generate(self, pixel_values: Tensor, **rest: Any) -> Tensor:
        x0, y0, x1, y1 = (int(share * 1000) for share in seen(pixel_values))
        x1, y1 = min(x1, 999), min(y1, 999)  # there is no bin of the far edge
        places = [x0, y0, x1, y0, x1, y1, x0, y1] if self.polygon else [x0, y0, x1, y1]
        words = ["</s>", "<s>", *([] if self.polygon else ["cat"])]
        words += [f"<loc_{place}>" for place in places] + ["</s>"]
        return torch.tensor([self.tokenizer.convert_tokens_to_ids(words)])


@pytest.mark.parametrize(("size", "box"), PLACES)
@pytest.mark.parametrize("id", ["florence-2", "florence-2-detection", "florence-2-segmentation"])
def test_written_boxes_lie_where_they_were_set(
    id: str, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    processor = florence_processor()
    polygon = id.endswith("segmentation")
    writer = Writer(processor, polygon)
    detector = Detector(COMPARATORS.get(id), "by hand", None, writer, processor)
    found = detector.find(picture(size, box), "cat")
    assert found.box == pytest.approx(box, abs=2.5)
    assert found.score is None
    if polygon:
        assert found.mask is not None
        truth = picture(size, box)[..., 0] > 0
        assert (truth & found.mask).sum() / (truth | found.mask).sum() > 0.9
