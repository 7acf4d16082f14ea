"""Coordinates into SAM's canvas and masks back out: against the processor, and against pixels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from sams import Stretched, grounding, noise, refiner, tiny_sam, tiny_sam2, tiny_sam3
from vlmscope.refine import Frame, Refiner
from vlmscope.refine.embedding import prepare

# (height, width): square, 3:1, 1:3, odd, larger and much smaller than the canvas of 64
SIZES = [(48, 48), (30, 90), (90, 30), (61, 37), (200, 301), (5, 7), (3, 3), (64, 64)]
# (canvas, long side): as SAM has it, and with padding on every side of a square image too
PROCESSORS = [(64, 64), (96, 96), (96, 72)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("canvas", "longest"), PROCESSORS)
def test_coordinates_are_the_processors_own(
    size: tuple[int, int], canvas: int, longest: int
) -> None:
    model, processor = tiny_sam(canvas, longest)
    pixels = noise(*size)
    height, width = size
    box = [0.3 * width, 0.1 * height, 0.9 * width, 0.8 * height]
    theirs = processor(
        images=[pixels],
        input_boxes=[[box]],
        return_tensors="pt",
        input_data_format="channels_last",  # a guess goes wrong for 3 x 3 pixels
    )
    values, frame = prepare("tiny", model, processor.image_processor, pixels)
    ours = frame.to_canvas([(box[0], box[1]), (box[2], box[3])]).reshape(-1)
    assert torch.allclose(ours, theirs["input_boxes"].reshape(-1).float(), rtol=1e-6, atol=1e-6)
    assert torch.equal(values, theirs["pixel_values"])
    assert frame.original == size
    assert max(frame.resized) == longest
    assert frame.canvas == (canvas, canvas)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("canvas", "longest"), PROCESSORS)
def test_masks_are_restored_as_the_processor_does_it(
    size: tuple[int, int], canvas: int, longest: int
) -> None:
    model, processor = tiny_sam(canvas, longest)
    _, frame = prepare("tiny", model, processor.image_processor, noise(*size))
    logits = torch.randn(3, canvas // 2, canvas // 2, generator=torch.Generator().manual_seed(1))
    (theirs,) = processor.post_process_masks(
        [logits[None]], [frame.original], [frame.resized], binarize=False
    )
    ours = frame.restore(logits)
    assert ours.shape == (3, *size)
    assert torch.equal(ours, theirs[0])


def test_masks_of_a_stretched_image_are_restored_as_its_processor_does_it() -> None:
    # its class needs torchvision; what it does with masks is one line of torch
    logits = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(1))
    theirs = functional.interpolate(logits[None], (30, 90), mode="bilinear", align_corners=False)
    frame = Frame((30, 90), (64, 64), (64, 64), padded=False)
    assert torch.equal(frame.restore(logits), theirs[0])
    assert frame.to_canvas([(45, 10)]).tolist() == [[32.0, pytest.approx(64 / 3)]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_masks_are_computed_in_float32(dtype: torch.dtype) -> None:
    logits = torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(1)).to(dtype)
    frame = Frame((30, 90), (21, 64), (64, 64), padded=True)
    restored = frame.restore(logits)
    assert restored.dtype == torch.float32
    assert torch.equal(restored, frame.restore(logits.float()))
    # interpolated in half precision they would differ
    assert not torch.equal(restored.to(dtype).float(), restored)


class Bright(nn.Module):
    """In place of the image encoder: its embedding is the brightness of the pixels it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor]:
        return (values.mean(dim=1, keepdim=True),)


class Lit(nn.Module):
    """In place of the mask decoder: wherever the image is bright, at half the resolution."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level))

    def forward(self, image_embeddings: torch.Tensor, **_: Any) -> tuple[torch.Tensor, ...]:
        low = functional.avg_pool2d(image_embeddings, 2)
        return (low - self.level)[:, None], torch.ones(1, 1, 1)


def _iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


@pytest.mark.parametrize("size", [(48, 48), (30, 90), (90, 30), (61, 37), (200, 301)], ids=str)
@pytest.mark.parametrize(("canvas", "longest"), [(256, 256), (256, 192)])
def test_a_mask_lies_on_the_pixels_that_it_was_made_from(
    size: tuple[int, int], canvas: int, longest: int
) -> None:
    height, width = size
    truth = np.zeros(size, bool)
    truth[height // 5 : height // 2, width // 3 : width - width // 8] = True
    pixels = np.where(truth[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    sam = refiner(canvas, longest)
    sam.hf.vision_encoder = Bright()
    # 0 and 255 become about -2 and +2.4, padding becomes 0: half way between black and white
    sam.hf.mask_decoder = Lit(0.22)
    found = sam.refine(grounding(pixels, (0, 0, width, height)))
    assert found.mask.shape == size
    assert _iou(found.mask, truth) > 0.97


class Echo(nn.Module):
    """In place of prompt encoder and mask decoder: fills the box that it was prompted with."""

    def __init__(self, canvas: int) -> None:
        super().__init__()
        self.input_image_size = canvas
        self.weight = nn.Parameter(torch.zeros(1))
        self.boxes = torch.zeros(0)

    def forward(self, **given: Any) -> Any:
        if "input_boxes" in given:
            self.boxes = given["input_boxes"][0]
            return None, None
        low = self.input_image_size // 4
        centres = (torch.arange(low) + 0.5) * 4
        x0, y0, x1, y1 = self.boxes.T[:, :, None]
        columns = torch.minimum(centres - x0, x1 - centres)
        rows = torch.minimum(centres - y0, y1 - centres)
        inside = torch.minimum(rows[:, :, None], columns[:, None, :])
        return inside[None, :, None], torch.ones(1, len(self.boxes), 1)


@pytest.mark.parametrize("size", [(48, 48), (30, 90), (90, 30), (61, 37), (200, 301)], ids=str)
@pytest.mark.parametrize("build", ["sam", "sam-smaller", "sam2", "sam3"])
def test_a_box_comes_back_where_it_was(size: tuple[int, int], build: str) -> None:
    height, width = size
    boxes = [
        (0.25 * width, 0.375 * height, 0.75 * width, 0.875 * height),
        (0.0, 0.0, width, height),
        (0.5 * width, 0.5 * height, width, height),
    ]
    canvas, sam = _echoing(build)
    found = sam.refine([grounding(noise(*size), box) for box in boxes], tight_box=True)
    # bilinear maps of a distance are off by no more than a cell, and four pixels make a cell
    slack = 4 * max(size) / canvas + 1
    for box, answer in zip(boxes, found, strict=True):
        assert answer.box == pytest.approx(box, abs=slack)
        x0, y0, x1, y1 = (round(value) for value in box)
        truth = np.zeros(size, bool)
        truth[y0:y1, x0:x1] = True
        assert _iou(answer.mask, truth) > 0.85


def _echoing(build: str) -> tuple[int, Refiner]:
    made = {
        "sam": lambda: tiny_sam(256),
        "sam-smaller": lambda: tiny_sam(256, 192),
        "sam2": tiny_sam2,
        "sam3": tiny_sam3,
    }
    model, processor = made[build]()
    canvas = model.prompt_encoder.input_image_size
    if build in ("sam2", "sam3"):  # their encoders are not asked: any size will do
        canvas, processor = 256, Stretched(256)
        model.get_image_embeddings = lambda values: [values[:, :1]]
        model.forward = _plain_forward(model)
    model.prompt_encoder = model.mask_decoder = Echo(canvas)
    return canvas, Refiner.wrap(model, processor)


def _plain_forward(model: Any) -> Any:
    def forward(image_embeddings: Any, multimask_output: bool, **prompts: Any) -> Any:
        model.prompt_encoder(**prompts)
        masks, scores = model.mask_decoder()
        return SimpleNamespace(pred_masks=masks, iou_scores=scores)

    return forward
