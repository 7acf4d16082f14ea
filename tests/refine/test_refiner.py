"""Groundings in, Groundings with SAM's masks out: one embedding an image, and nothing else moved."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import vlmscope as vs
from sams import Stretched, grounding, noise, refiner, tiny_sam, tiny_sam2, tiny_sam3
from vlmscope.errors import (
    BadImageError,
    BadOptionError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.refine import PROMPTS, Refiner
from vlmscope.types import tight_box

BUILDS = {"sam": tiny_sam, "sam2": tiny_sam2, "sam3": tiny_sam3}
BOX = (10.0, 3.0, 40.0, 20.0)
OTHER = (50.0, 5.0, 80.0, 28.0)


@pytest.fixture(params=BUILDS)
def sam(request: pytest.FixtureRequest) -> Refiner:
    return Refiner.wrap(*BUILDS[request.param](), name=request.param)


def encoder_runs(sam: Refiner) -> list[Any]:
    """One entry for each run of the image encoder from now on."""
    runs: list[Any] = []
    sam.hf.vision_encoder.register_forward_hook(lambda *given: runs.append(given[2] is not None))
    return runs


@pytest.mark.parametrize("multimask", [True, False])
@pytest.mark.parametrize("prompt", ["box", "point", "both"])
def test_the_mask_is_what_the_model_and_its_processor_give(prompt: str, multimask: bool) -> None:
    model, processor = tiny_sam(96, 72)
    pixels = noise(30, 90)
    found = grounding(pixels, BOX)
    x, y = found.point or (0, 0)
    inputs = processor(
        images=[pixels],
        input_boxes=[[list(BOX)]] if prompt != "point" else None,
        input_points=[[[[x, y]]]] if prompt != "box" else None,
        return_tensors="pt",
    )
    sizes = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
    prompts = {name: value.float() for name, value in inputs.items()}
    with torch.no_grad():
        output = model(**prompts, multimask_output=multimask)
    masks = processor.post_process_masks(output.pred_masks, *sizes)[0][0]
    best = int(output.iou_scores[0, 0].argmax())
    answer = Refiner.wrap(model, processor).refine(found, prompt, multimask=multimask)
    assert 0 < answer.mask.sum() < answer.mask.size
    assert np.array_equal(answer.mask, masks[best].numpy())
    record = answer.details["refined"]
    assert record["chosen"] == best
    assert record["masks"] == (3 if multimask else 1)
    assert record["predicted_iou"] == pytest.approx(float(output.iou_scores[0, 0, best]), abs=1e-6)


def test_the_mask_rated_best_is_taken() -> None:
    class Rated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, **_: Any) -> tuple[torch.Tensor, torch.Tensor]:
            logits = -torch.ones(1, 1, 3, 16, 16)
            logits[0, 0, 1, :, :8] = 1  # the left half of the canvas
            return logits, torch.tensor([[[0.2, 0.9, 0.4]]])

    sam = refiner()
    sam.hf.mask_decoder = Rated()
    answer = sam.refine(grounding(noise(64, 64), BOX))
    assert answer.details["refined"]["chosen"] == 1
    assert answer.details["refined"]["predicted_iou"] == pytest.approx(0.9)
    assert answer.mask[:, :32].all()
    assert not answer.mask[:, 32:].any()


def test_everything_but_the_mask_stays(sam: Refiner) -> None:
    found = grounding(noise(30, 90), BOX, warnings=("half of it was not seen",))
    before = found.mask.copy()
    answer = sam.refine(found)
    assert not np.array_equal(answer.mask, before)
    assert np.array_equal(found.mask, before)
    assert "refined" not in found.details
    for name in ("phrase", "method", "model", "box", "point", "score", "seen", "warnings"):
        assert getattr(answer, name) == getattr(found, name), name
    for name in ("image", "heatmap", "score_map"):
        assert getattr(answer, name) is getattr(found, name), name
    assert answer.details["heads"] == ["L1H1"]
    record = json.loads(answer.to_json())["details"]["refined"]
    assert record["model"] == record["kind"] == sam.name
    assert record["prompt"] == "box"
    assert record["box"] == "method"


def test_the_box_is_put_around_the_mask_on_request(sam: Refiner) -> None:
    found = grounding(noise(30, 90), BOX)
    answer = sam.refine(found, tight_box=True)
    assert answer.box == tight_box(answer.mask) != found.box
    assert answer.details["refined"]["box"] == "mask"


def test_a_tight_box_a_mask() -> None:
    mask = np.zeros((5, 9), bool)
    assert tight_box(mask) is None
    mask[1:4, 8] = True
    mask[2, 3] = True
    assert tight_box(mask) == (3.0, 1.0, 9.0, 4.0)


def test_an_image_is_embedded_once_for_all_its_phrases(sam: Refiner) -> None:
    first, second = noise(30, 90, 1), noise(40, 40, 2)
    asked = [
        grounding(first, BOX, phrase="a"),
        grounding(second, (4.0, 4.0, 30.0, 30.0), phrase="b"),
        grounding(first.copy(), OTHER, phrase="c"),  # the same pixels, read again
        grounding(second, (1.0, 2.0, 9.0, 9.0), phrase="d"),
    ]
    runs = encoder_runs(sam)
    together = sam.refine(asked)
    assert len(runs) == 2
    assert [found.phrase for found in together] == ["a", "b", "c", "d"]
    for alone, found in zip(asked, together, strict=True):
        expected = sam.refine(alone)
        assert (expected.mask != found.mask).mean() < 0.01  # batched products round differently
        iou = expected.details["refined"]["predicted_iou"]
        assert found.details["refined"]["predicted_iou"] == pytest.approx(iou, abs=1e-5)


def test_more_phrases_than_are_decoded_at_once() -> None:
    sam, pixels = refiner(), noise(30, 90)
    asked = [grounding(pixels, (i, 2.0, i + 20.0, 25.0), phrase=str(i)) for i in range(37)]
    runs = encoder_runs(sam)
    decoded: list[int] = []
    sam.hf.prompt_encoder.register_forward_pre_hook(
        lambda _, args, given: decoded.append(given["input_boxes"].shape[1]), with_kwargs=True
    )
    together = sam.refine(asked)
    assert len(runs) == 1
    assert decoded == [16, 16, 5]
    assert [found.phrase for found in together] == [str(i) for i in range(37)]
    for place in (0, 15, 16, 36):
        assert (sam.refine(asked[place]).mask != together[place].mask).mean() < 0.01


def test_an_embedded_image_is_prompted_again_and_again(sam: Refiner) -> None:
    pixels = noise(30, 90)
    found = grounding(pixels, BOX)
    embedded = sam.embed(pixels)
    runs = encoder_runs(sam)
    answers = {p: sam.refine(found, p, embedded=embedded) for p in PROMPTS}
    assert not runs
    for prompt, answer in answers.items():
        assert np.array_equal(answer.mask, sam.refine(found, prompt).mask)
    assert not np.array_equal(answers["box"].mask, answers["point"].mask)


def test_an_embedding_of_something_else_is_refused(sam: Refiner) -> None:
    found = grounding(noise(30, 90), BOX)
    with pytest.raises(BadOptionError, match="another image"):
        sam.refine(found, embedded=sam.embed(noise(30, 90, 5)))
    theirs = replace(sam.embed(found.image), model="another-sam")
    with pytest.raises(BadOptionError, match="made by another-sam"):
        sam.refine(found, embedded=theirs)


def test_nothing_lit_costs_nothing_and_is_said(sam: Refiner) -> None:
    pixels = noise(30, 90)
    unlit = grounding(pixels, None, phrase="a unicorn")
    runs = encoder_runs(sam)
    answer = sam.refine(unlit)
    assert not runs
    assert not answer.mask.any()
    assert answer.box is None
    assert "refined" not in answer.details
    assert answer.warnings == (
        "The mask of 'a unicorn' is not refined: there is no box to prompt SAM with.",
    )
    both = sam.refine([unlit, grounding(pixels, BOX)])
    assert "refined" not in both[0].details
    assert "refined" in both[1].details
    pointless = replace(grounding(pixels, BOX), point=None)
    assert "no point" in sam.refine(pointless, "both").warnings[0]
    assert sam.refine(pointless, "box").warnings == ()


def test_an_empty_mask_is_said() -> None:
    sam = refiner()
    forward = sam.hf.mask_decoder.forward

    def nothing(**given: Any) -> Any:
        masks, scores = forward(**given)
        return masks.abs().neg() - 1, scores

    sam.hf.mask_decoder.forward = nothing
    answer = sam.refine(grounding(noise(30, 90), BOX), tight_box=True)
    assert not answer.mask.any()
    assert answer.warnings == ("SAM's mask of 'the red square' is empty.",)
    assert answer.box == BOX
    assert answer.details["refined"]["box"] == "method"


def test_an_empty_list_gives_an_empty_list(sam: Refiner) -> None:
    assert sam.refine([]) == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_in_half_precision(sam: Refiner, dtype: torch.dtype) -> None:
    found = [grounding(noise(30, 90), BOX), grounding(noise(30, 90), OTHER)]
    embedded = sam.embed(found[0].image)
    sam.hf.to(dtype)
    for prompt in PROMPTS:
        answers = sam.refine(found, prompt)
        assert all(isinstance(a.details["refined"]["predicted_iou"], float) for a in answers)
    assert {p.dtype for p in sam.hf.parameters()} == {dtype}
    # an embedding outlives the precision that it was made in
    assert sam.refine(found[0], embedded=embedded).mask.shape == (30, 90)


def test_prompts_are_never_in_half_precision() -> None:
    sam = refiner()
    sam.hf.to(torch.bfloat16)
    seen: list[torch.Tensor] = []
    sam.hf.prompt_encoder.register_forward_pre_hook(
        lambda _, args, given: seen.append(given["input_boxes"]), with_kwargs=True
    )
    sam.refine(grounding(noise(1000, 1000), (101.0, 203.0, 907.0, 801.0)))
    assert seen[0].dtype == torch.float32
    assert seen[0].flatten().tolist() == pytest.approx([6.464, 12.992, 58.048, 51.264], abs=1e-5)


def test_values_that_are_not_finite_are_refused() -> None:
    sam = refiner()
    with torch.no_grad():
        next(sam.hf.mask_decoder.iou_prediction_head.parameters()).fill_(float("nan"))
    with pytest.raises(UnsupportedError, match="not finite in torch.float32"):
        sam.refine(grounding(noise(30, 90), BOX))


def test_the_model_is_left_as_it_was(sam: Refiner) -> None:
    sam.hf.train()
    before = {name: value.clone() for name, value in sam.hf.state_dict().items()}
    answer = sam.refine(grounding(noise(30, 90), BOX))
    assert sam.hf.training
    assert all(torch.equal(value, before[name]) for name, value in sam.hf.state_dict().items())
    sam.hf.eval()
    assert np.array_equal(answer.mask, sam.refine(grounding(noise(30, 90), BOX)).mask)


@pytest.mark.parametrize(
    "box",
    [
        (10.0, 3.0, 200.0, 20.0),
        (-5.0, 3.0, 20.0, 20.0),
        (40.0, 3.0, 10.0, 20.0),
        (10.0, 3.0, 10.0, 20.0),
        (10.0, float("nan"), 40.0, 20.0),
        (10.0, 3.0, float("inf"), 20.0),
    ],
)
def test_a_box_that_is_none_is_refused_before_anything_is_embedded(
    sam: Refiner, box: tuple[float, float, float, float]
) -> None:
    fine = grounding(noise(30, 90), BOX)
    runs = encoder_runs(sam)
    with pytest.raises(BadOptionError, match="height 30 and width 90"):
        sam.refine([fine, replace(fine, image=noise(30, 90, 7), box=box)])
    assert not runs


def test_bad_arguments_are_refused(sam: Refiner) -> None:
    found = grounding(noise(30, 90), BOX)
    with pytest.raises(BadOptionError, match=r"point \(91.0, 2.0\)"):
        sam.refine(replace(found, point=(91.0, 2.0)), "point")
    with pytest.raises(UnknownNameError, match="box"):
        sam.refine(found, "boxes")
    with pytest.raises(BadOptionError, match="tight_box"):
        sam.refine(found, tight_box="yes")  # type: ignore[arg-type]
    with pytest.raises(BadOptionError, match="got str"):
        sam.refine("the red square")  # type: ignore[call-overload]
    with pytest.raises(BadOptionError, match="a str in a list"):
        sam.refine([found, "the red square"])  # type: ignore[list-item]


def test_an_image_too_narrow_for_sam_is_refused() -> None:
    with pytest.raises(BadImageError, match="height 1 and width 300"):
        refiner().refine(grounding(noise(1, 300), (3.0, 0.0, 90.0, 1.0)))
    # stretched to a square, it is none
    stretching = Refiner.wrap(*tiny_sam2())
    assert stretching.refine(grounding(noise(1, 300), (3.0, 0.0, 90.0, 1.0))).mask.shape == (1, 300)


def test_a_processor_of_another_size_is_refused_when_it_is_wrapped() -> None:
    with pytest.raises(ModelMismatchError, match="96x96 pixels, but .* takes 64x64"):
        Refiner.wrap(tiny_sam(64)[0], tiny_sam(96)[1])
    with pytest.raises(ModelMismatchError, match="32x32 pixels, but .* takes 64x64"):
        Refiner.wrap(tiny_sam2()[0], Stretched(32))
    with pytest.raises(ModelMismatchError, match="got NoneType"):
        Refiner.wrap(tiny_sam()[0], None)


def test_other_models_are_refused_with_those_that_are_known() -> None:
    known = "SamModel, Sam2Model, Sam3TrackerModel"
    with pytest.raises(UnsupportedError, match=f"SamVisionEncoder.*{known}"):
        Refiner.wrap(tiny_sam()[0].vision_encoder, tiny_sam()[1])
    with pytest.raises(UnsupportedError, match=known):
        Refiner.wrap(None, None)  # type: ignore[arg-type]


def test_grounding_and_refining_in_one_call() -> None:
    model = vs.load("tiny-llava")
    pixels = np.full((60, 90, 3), 230, np.uint8)
    pixels[10:40, 20:60] = (220, 40, 30)
    phrases = ["the red square", "the blue circle"]
    sam = refiner()
    runs = encoder_runs(sam)
    refined = vs.ground(model, pixels, phrases, refine=sam)
    assert len(runs) == 1
    plain = vs.ground(model, pixels, phrases)
    assert all("refined" not in found.details for found in plain)
    for before, after in zip(plain, refined, strict=True):
        assert after.box == before.box
        assert np.array_equal(after.heatmap, before.heatmap)
        assert after.details["refined"]["model"] == "tiny-sam"
        expected = sam.refine(before)
        assert (after.mask != expected.mask).mean() < 0.01
    one = vs.ground(model, pixels, phrases[0], refine=sam)
    assert one.phrase == phrases[0]
    by_mask = vs.ground(model, pixels, phrases[0], refine=sam, refine_prompt="mask")
    assert by_mask.details["refined"]["prompt"] == "mask"
    assert np.array_equal(by_mask.mask, sam.refine(plain[0], "mask").mask)
    both = vs.compare_methods(model, pixels, phrases, refine=sam, refine_prompt="both")
    assert {g.details["refined"]["prompt"] for own in both.groundings.values() for g in own} == {
        "both"
    }
    with pytest.raises(BadOptionError, match="load_sam.*got str"):
        vs.ground(model, pixels, phrases, refine="facebook/sam-vit-base")  # type: ignore[call-overload]
    with pytest.raises(UnknownNameError, match="mask"):
        vs.ground(model, pixels, phrases, refine=sam, refine_prompt="maks")
    for call in (vs.ground, vs.compare_methods):
        with pytest.raises(BadOptionError, match="there is no SAM"):
            call(model, pixels, phrases, refine_prompt="mask")
