"""Clips beside transformers' own video processors, where torchvision is there: ids, tensors, logits.

They are skipped without it, as everywhere else in the suite; `tests/models/test_clips.py` proves the same
by hand. `python tests/with_torchvision.py FOLDER tests/models/test_video_processors.py` runs them beside a
torchvision that was unpacked into a folder.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from transformers.utils import is_torchvision_available

from clips import random_frames
from lvlms import made
from lvlms.llava_onevision import onevision
from vlmscope.attention.pictures import Shown
from vlmscope.attention.prefill import run
from vlmscope.models import LoadedModel, Prompt

pytestmark = pytest.mark.skipif(
    not is_torchvision_available(), reason="transformers' video processors need torchvision"
)
PHRASE = "the small red circle on the left"
RATE = 2.0
QWEN = {
    "qwen2-vl": ("Qwen2VL", "Qwen2VL"),
    "qwen2.5-vl": ("Qwen2_5_VL", "Qwen2VL"),
    "qwen3-vl": ("Qwen3VL", "Qwen3VL"),
}


def qwen_processor(name: str, model: LoadedModel) -> object:
    kind, video = QWEN[name]
    images = model.processor.image_processor
    module = {"Qwen2VL": "qwen2_vl", "Qwen3VL": "qwen3_vl"}[video]
    home = getattr(transformers.models, module)
    settings = {
        "patch_size": images.patch_size,
        "size": dict(images.size),
        "image_mean": images.image_mean,
        "image_std": images.image_std,
        "do_sample_frames": False,
        "cap_pixels_per_frame": False,
    }
    part = getattr(home, f"{video}VideoProcessor")(**settings)
    cls = getattr(transformers, f"{kind}Processor")
    template = model.processor.chat_template
    return cls(images, model.processor.tokenizer, part, chat_template=template)


def theirs(processor: object, frames: list[np.ndarray], **options: object) -> dict:
    content = [{"type": "video"}, {"type": "text", "text": PHRASE}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    out = processor(text=[text], videos=[np.stack(frames)], return_tensors="pt", **options)
    if "second_per_grid_ts" in out:  # a list of floats
        out["second_per_grid_ts"] = torch.tensor(out["second_per_grid_ts"])
    return {name: value for name, value in out.items() if isinstance(value, torch.Tensor)}


def metadata(count: int) -> object:
    from transformers.video_utils import VideoMetadata

    return VideoMetadata(total_num_frames=count, fps=RATE, frames_indices=list(range(count)))


def compare(model: LoadedModel, frames: list[np.ndarray], expected: dict, values: str) -> None:
    times = [index / RATE for index in range(len(frames))]
    encoded = Shown(model, frames, times).encoded(Prompt(PHRASE), "chat")
    assert encoded.inputs["input_ids"].tolist() == expected["input_ids"].tolist()
    for name in ("video_grid_thw", "mm_token_type_ids", "second_per_grid_ts"):
        if name in expected:
            assert encoded.inputs[name].tolist() == expected[name].tolist()
    [pixels] = (name for name in expected if name.startswith("pixel_values"))
    assert encoded.inputs[pixels].shape == expected[pixels].shape
    gap = (encoded.inputs[pixels] - expected[pixels]).abs()
    if values == "equal":  # nothing is resized, so nothing is rounded
        assert float(gap.max()) < 1e-5
        with model.frozen():
            logits = model.hf(**expected).logits[:, -1]
        torch.testing.assert_close(run(model, encoded).logits, logits, atol=1e-4, rtol=0)
    else:  # Pillow and torchvision round a resized pixel otherwise: two grey levels at most
        level = 1 / 255 / min(model.processor.image_processor.image_std)
        assert float(gap.max()) <= 2.01 * level and float(gap.mean()) <= 0.35 * level


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize(("height", "width", "values"), [(112, 168, "equal"), (101, 167, "near")])
@pytest.mark.parametrize("name", QWEN)
def test_qwen_clips_equal_those_of_the_video_processor(
    name: str, height: int, width: int, values: str, count: int
) -> None:
    model = made(name)
    if name == "qwen3-vl":  # whose tokens are 32 pixels wide, all frames within one image's budget
        height, width = round(height / 28) * 32 - (values == "near") * 7, round(width / 28) * 32
        model = replace_budget(model)
    frames = random_frames(count, height, width)
    processor = qwen_processor(name, model)
    more = {"video_metadata": [metadata(count)]} if name != "qwen2-vl" else {}
    compare(model, frames, theirs(processor, frames, **more), values)


def replace_budget(model: LoadedModel) -> LoadedModel:
    """The same with room for all frames at their own size."""
    from lvlms.qwen_vl import qwen3_vl

    model = qwen3_vl()
    images = model.processor.image_processor
    images.size = {"shortest_edge": 4 * 32 * 32, "longest_edge": 1024 * 32 * 32}
    return model


@pytest.mark.parametrize(("height", "width", "values"), [(112, 112, "equal"), (101, 67, "near")])
def test_onevision_clips_equal_those_of_the_video_processor(
    height: int, width: int, values: str
) -> None:
    from transformers.models.llava_onevision.video_processing_llava_onevision import (
        LlavaOnevisionVideoProcessor,
    )

    model = onevision(side=112, largest=2)
    images = model.processor.image_processor
    part = LlavaOnevisionVideoProcessor(
        size=dict(images.size), image_mean=images.image_mean, image_std=images.image_std
    )
    processor = transformers.LlavaOnevisionProcessor(
        images,
        model.processor.tokenizer,
        part,
        num_image_tokens=64,
        vision_feature_select_strategy="full",
        chat_template=model.processor.chat_template,
    )
    frames = random_frames(3, height, width)
    compare(model, frames, theirs(processor, frames), values)


@pytest.mark.parametrize(("height", "width", "values"), [(0, 0, "equal"), (101, 67, "near")])
@pytest.mark.parametrize("name", ["llava-next-video", "video-llava"])
def test_cropped_clips_equal_those_of_the_video_processor(
    name: str, height: int, width: int, values: str
) -> None:
    model = made(name)
    images = model.processor.image_processor
    kind = {"llava-next-video": "LlavaNextVideo", "video-llava": "VideoLlava"}[name]
    home = getattr(transformers.models, name.replace("-", "_"))
    part = getattr(home, f"{kind}VideoProcessor")(
        size=dict(images.size), crop_size=dict(images.crop_size)
    )
    processor = getattr(transformers, f"{kind}Processor")(
        image_processor=images,
        video_processor=part,
        tokenizer=model.processor.tokenizer,
        patch_size=model.hf.config.vision_config.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=model.processor.chat_template,
    )
    side = model.hf.config.vision_config.image_size
    frames = random_frames(3, height or side, width or side)
    compare(model, frames, theirs(processor, frames), values)


@pytest.mark.parametrize(("height", "width", "values"), [(56, 56, "equal"), (101, 67, "near")])
def test_internvl_clips_equal_those_of_the_video_processor(
    height: int, width: int, values: str
) -> None:
    model = made("internvl")
    images = model.processor.image_processor
    part = transformers.models.internvl.InternVLVideoProcessor(
        size=dict(images.size), image_mean=images.image_mean, image_std=images.image_std
    )
    processor = transformers.InternVLProcessor(
        images,
        model.processor.tokenizer,
        part,
        image_seq_length=model.processor.image_seq_length,
        chat_template=model.processor.chat_template,
    )
    frames = random_frames(3, height, width)
    compare(model, frames, theirs(processor, frames), values)


GLM = {"glm-4v": ("glm4v", "Glm4v"), "glm-46v": ("glm46v", "Glm46V"), "glm-ga": ("glmga", "Glmga")}


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize(("height", "width", "values"), [(112, 84, "equal"), (101, 167, "near")])
@pytest.mark.parametrize("name", GLM)
def test_glm_clips_equal_those_of_the_video_processor(
    name: str, height: int, width: int, values: str, count: int
) -> None:
    model = made(name)
    module, kind = GLM[name]
    images = model.processor.image_processor
    part = getattr(getattr(transformers.models, module), f"{kind}VideoProcessor")(
        size=dict(images.size),
        image_mean=images.image_mean,
        image_std=images.image_std,
        do_sample_frames=False,
    )
    cls = transformers.Glm4vProcessor if name == "glm-4v" else transformers.Glm46VProcessor
    template = model.processor.chat_template
    processor = cls(images, model.processor.tokenizer, part, chat_template=template)
    frames = random_frames(count, height, width)
    compare(model, frames, theirs(processor, frames, video_metadata=[metadata(count)]), values)
