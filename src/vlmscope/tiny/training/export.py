"""Writes a trained model as a folder that transformers loads, in float16."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vlmscope.io import write_json
from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.model.tokenizer import BOS, CHAT_TEMPLATE, EOS, PAD, build_tokenizer, vocabulary
from vlmscope.tiny.training.feed import MEAN, STD
from vlmscope.tiny.training.world_limits import RENDERED
from vlmscope.tiny.world.words import QUESTION, SYSTEM

if TYPE_CHECKING:
    from transformers import LlavaForConditionalGeneration

__all__ = ["export_llava", "image_processor", "write_card"]

_INSTEAD = "llava-hf/llava-1.5-7b-hf"


def export_llava(
    folder: Path, model: LlavaForConditionalGeneration, shape: Shape, card: Mapping[str, Any]
) -> None:
    """Write configuration, float16 weights, tokenizer, processor and ``vlmscope.json``.

    Args:
        folder: made if it is not there.
        model: on any device; it is not changed.
        shape: its sizes.
        card: what ``vlmscope.json`` says beside system sentence and vocabulary.
    """
    from transformers import GenerationConfig, LlavaForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("cpu"):
        copy = LlavaForConditionalGeneration(model.config)
    copy.load_state_dict({name: value.cpu() for name, value in model.state_dict().items()})
    copy.generation_config = GenerationConfig(
        bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD, max_new_tokens=64, do_sample=False
    )
    copy.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes files private to the user
    build_tokenizer().save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", image_processor(shape))
    write_json(folder / "processor_config.json", _processor(shape))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    write_card(folder, card)


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``vlmscope.json``: how to prompt the model, where it comes from, what it can do."""
    made = {"torch": torch.__version__, "python": platform.python_version()}
    known = {
        "system": SYSTEM,
        "question": QUESTION,
        "world": replace(RENDERED, instead=_INSTEAD).to_record(),
        "made_with": made,
        "vocabulary": list(vocabulary()),
    }
    write_json(folder / "vlmscope.json", {**known, **card})


def image_processor(shape: Shape) -> dict[str, Any]:
    """What ``preprocessor_config.json`` says: images are fitted to a tower of this shape."""
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": shape.canvas},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": shape.canvas, "width": shape.canvas},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [MEAN] * 3,
        "image_std": [STD] * 3,
    }


def _processor(shape: Shape) -> dict[str, Any]:
    return {
        "processor_class": "LlavaProcessor",
        "patch_size": shape.patch,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "image_token": "<image>",
    }
