"""The method's mask as SAM's prompt: where it lies in the canvas, and what the model makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sams import Stretched, grounding, noise, refiner, tiny_sam, tiny_sam2, tiny_sam3
from vlmscope.errors import BadOptionError
from vlmscope.refine import Frame, Refiner
from vlmscope.refine.embedding import prepare
from vlmscope.refine.mask_prompts import mask_logits, mask_tensor

BUILDS: dict[str, Callable[[], Any]] = {"sam": tiny_sam, "sam2": tiny_sam2, "sam3": tiny_sam3}
SIZES = [(48, 48), (30, 90), (90, 30), (61, 37), (200, 301)]


def lit(size: tuple[int, int], rows: slice, columns: slice) -> NDArray[np.bool_]:
    """A mask that is set in one rectangle."""
    mask = np.zeros(size, bool)
    mask[rows, columns] = True
    return mask


def logits(mask: NDArray[np.bool_], frame: Frame, size: tuple[int, int]) -> Tensor:
    return mask_logits(torch.from_numpy(mask)[None], frame, size)[0]


# geometry, by hand


def test_a_wide_image_lies_in_the_upper_part_of_a_padded_canvas() -> None:
    # 30 x 90 pixels become 20 x 60 of a canvas of 60, whose cells have 4: five rows, fifteen columns
    mask = lit((30, 90), slice(0, 30), slice(60, 90))
    found = logits(mask, Frame((30, 90), (20, 60), (60, 60), padded=True), (15, 15))
    expected = -np.ones((15, 15))
    expected[:5, 10:] = 1
    assert np.array_equal(np.sign(found.numpy()), expected)
    assert found[:5, 11:].eq(10).all()
    assert found[:5, :9].eq(-10).all()
    assert found[5:].eq(-10).all()  # the padding


def test_a_tall_image_lies_in_the_left_part_of_a_padded_canvas() -> None:
    mask = lit((90, 30), slice(0, 45), slice(0, 30))
    found = logits(mask, Frame((90, 30), (60, 20), (60, 60), padded=True), (15, 15))
    assert found[:7, :5].eq(10).all()
    assert found[7, :5].numpy() == pytest.approx(0, abs=1e-5)  # the edge goes through this row
    assert found[8:].eq(-10).all()
    assert found[:, 5:].eq(-10).all()


def test_a_wide_image_fills_a_stretched_canvas() -> None:
    mask = lit((30, 90), slice(0, 15), slice(0, 30))
    found = logits(mask, Frame((30, 90), (60, 60), (60, 60), padded=False), (15, 15))
    # 15 of 30 rows are 30 of 60 pixels are 7.5 cells, 30 of 90 columns are 20 pixels are 5 cells
    assert (found[:7, :5] > 8).all()
    assert found[7, :4].numpy() == pytest.approx(0, abs=1e-5)
    assert (found[8:] < -8).all()
    assert (found[:, 5:] < -8).all()


def test_a_cell_that_is_covered_in_part_is_that_much_less_sure() -> None:
    mask = lit((8, 8), slice(0, 3), slice(0, 4))
    found = logits(mask, Frame((8, 8), (8, 8), (8, 8), padded=True), (2, 2))
    assert found.tolist() == [[5.0, -10.0], [-10.0, -10.0]]  # 12 of 16 pixels, and none


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("build", BUILDS)
def test_a_mask_goes_there_and_back(size: tuple[int, int], build: str) -> None:
    model, processor = BUILDS[build]() if build != "sam" else tiny_sam(256, 192)
    images = getattr(processor, "image_processor", processor)
    _, frame = prepare("tiny", model, images, noise(*size))
    height, width = size
    mask = lit(size, slice(height // 4, height // 2), slice(width // 3, width - width // 8))
    back = frame.restore(logits(mask, frame, (64, 64))[None])[0].numpy() > 0
    assert (mask & back).sum() / (mask | back).sum() > 0.85


@pytest.mark.parametrize("build", ["sam2", "sam3"])
def test_the_size_is_that_which_the_prompt_encoder_states(build: str) -> None:
    model, _ = BUILDS[build]()
    pixels = noise(30, 90)
    found = grounding(pixels, (10.0, 3.0, 40.0, 20.0))
    frame = Frame((30, 90), (64, 64), (64, 64), padded=False)
    prompt = mask_tensor([found, found], frame, model.prompt_encoder)
    assert prompt.shape == (2, 1, *model.prompt_encoder.mask_input_size)


# against the model itself


@pytest.mark.parametrize("multimask", [True, False])
@pytest.mark.parametrize(("build", "cell"), [("sam", 2), ("sam2", 4), ("sam3", 7)])
def test_the_mask_is_what_a_plain_call_of_the_model_gives(
    build: str, cell: int, multimask: bool
) -> None:
    """The prompt is written here by hand: edges at whole cells, the image as large as the canvas."""
    model, processor = BUILDS[build]()
    side = model.prompt_encoder.input_image_size
    half = side // 2
    # of SAM 1 only the upper half of the canvas is image; 2 and 3 see squares
    size = (half, side) if build == "sam" else (side, side)
    top, left = 2 * cell, 4 * cell
    mask = lit(size, slice(top, half), slice(left, side))
    found = replace(grounding(noise(*size), None), mask=mask)
    low = 4 * model.prompt_encoder.image_embedding_size[0]
    prompt = -10 * torch.ones(1, 1, low, low)
    prompt[..., top * low // side : half * low // side, left * low // side :] = 10
    images = getattr(processor, "image_processor", processor)
    values = images(images=[found.image], return_tensors="pt", input_data_format="channels_last")
    with torch.no_grad():
        output = model(values["pixel_values"], input_masks=prompt, multimask_output=multimask)
    best = int(output.iou_scores[0, 0].argmax())
    frame = Frame(size, size, (side, side), padded=build == "sam")
    expected = frame.restore(output.pred_masks[0, 0, best : best + 1])[0].numpy() > 0
    answer = Refiner.wrap(model, processor).refine(found, "mask", multimask=multimask)
    assert 0 < answer.mask.sum() < answer.mask.size
    assert np.array_equal(answer.mask, expected)
    record = answer.details["refined"]
    assert record["prompt"] == "mask"
    assert record["chosen"] == best
    assert record["predicted_iou"] == pytest.approx(float(output.iou_scores[0, 0, best]), abs=1e-6)


@pytest.mark.parametrize("build", BUILDS)
def test_many_masks_in_one_image_are_those_of_each_alone(build: str) -> None:
    sam, pixels = Refiner.wrap(*BUILDS[build]()), noise(30, 90)
    boxes = [(float(i), 2.0, i + 20.0 + i % 5, 25.0) for i in range(18)]  # more than go at once
    asked = [grounding(pixels, box) for box in boxes]
    together = sam.refine(asked, "mask")
    for place in (0, 1, 15, 16, 17):
        alone = sam.refine(asked[place], "mask")
        assert (
            alone.mask != together[place].mask
        ).mean() < 0.01  # batched products round otherwise
        iou = alone.details["refined"]["predicted_iou"]
        assert together[place].details["refined"]["predicted_iou"] == pytest.approx(iou, abs=1e-5)
    assert not np.array_equal(together[0].mask, together[17].mask)


class Echo(nn.Module):
    """In place of prompt encoder and mask decoder: the answer is the mask that it was prompted with."""

    def __init__(self, canvas: int) -> None:
        super().__init__()
        self.input_image_size = canvas
        self.image_embedding_size = (canvas // 16, canvas // 16)
        self.mask_embed = SimpleNamespace(conv1=SimpleNamespace(weight=torch.zeros(1)))
        self.weight = nn.Parameter(torch.zeros(1))
        self.masks = torch.zeros(0)

    def forward(self, **given: Any) -> Any:
        if "input_masks" in given:
            self.masks = given["input_masks"]
            return None, None
        return self.masks[:, None], torch.ones(len(self.masks), 1, 1)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("build", ["sam", "sam-smaller", "stretched"])
def test_a_mask_comes_back_where_it_was(size: tuple[int, int], build: str) -> None:
    sam = _echoing(build)
    height, width = size
    masks = [
        lit(size, slice(height // 5, height // 2), slice(width // 3, width - width // 8)),
        lit(size, slice(height // 2, height), slice(0, width // 2)),
        np.ones(size, bool),
    ]
    pixels = noise(*size)
    answers = sam.refine([replace(grounding(pixels, None), mask=each) for each in masks], "mask")
    for mask, answer in zip(masks, answers, strict=True):
        assert (answer.mask & mask).sum() / (answer.mask | mask).sum() > 0.9


def _echoing(build: str) -> Refiner:
    model, processor = tiny_sam(256, 192 if build == "sam-smaller" else 256)
    model.prompt_encoder = model.mask_decoder = Echo(256)
    model.get_image_embeddings = lambda values: values[:, :1]
    return Refiner.wrap(model, Stretched(256) if build == "stretched" else processor)


# what cannot prompt


def test_an_empty_mask_is_no_prompt() -> None:
    sam, pixels = refiner(), noise(30, 90)
    full = grounding(pixels, (10.0, 3.0, 40.0, 20.0))
    bare = replace(full, mask=np.zeros((30, 90), bool), phrase="a unicorn")
    runs: list[int] = []
    sam.hf.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    answer = sam.refine(bare, "mask")
    assert answer.warnings == (
        "The mask of 'a unicorn' is not refined: there is no mask to prompt SAM with.",
    )
    assert "refined" not in answer.details
    assert not runs
    both = sam.refine([bare, full], "mask")
    assert ["refined" in each.details for each in both] == [False, True]
    assert len(runs) == 1
    # what it lacks does not matter where it is not asked for
    assert sam.refine(bare, "box").warnings == ()


def test_a_mask_of_another_size_is_refused() -> None:
    found = replace(grounding(noise(30, 90), (1.0, 2.0, 9.0, 9.0)), mask=np.ones((90, 30), bool))
    with pytest.raises(BadOptionError, match=r"shape \(90, 30\).*height 30 and width 90"):
        refiner().refine(found, "mask")


def test_masks_go_into_the_precision_of_their_encoder() -> None:
    sam = refiner()
    found = grounding(noise(30, 90), (10.0, 3.0, 40.0, 20.0))
    seen: list[torch.dtype] = []
    sam.hf.prompt_encoder.mask_embed.register_forward_pre_hook(
        lambda _, args: seen.append(args[0].dtype)
    )
    sam.refine(found, "mask")
    sam.hf.to(torch.bfloat16)
    sam.refine(found, "mask")
    assert seen == [torch.float32, torch.bfloat16]
