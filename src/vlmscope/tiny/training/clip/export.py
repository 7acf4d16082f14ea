"""Writes a trained tiny-clip as a folder that transformers loads, in float16."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vlmscope.io import write_json
from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.model.clip_tokenizer import build_clip_tokenizer, clip_vocabulary
from vlmscope.tiny.training.export import image_processor
from vlmscope.tiny.training.world_limits import RENDERED

if TYPE_CHECKING:
    from transformers import CLIPModel

__all__ = ["export_clip", "write_clip_card"]

_INSTEAD = "openai/clip-vit-base-patch16"

_SUPERVISION = (
    "The vision tower is first trained alone on labels of patches (no text). Image and text are "
    "then trained against each other by whole images only: no patch, place or mask enters the "
    "contrastive loss, and no patch label is used in that stage."
)
_KNOWS = (
    "Words for size, texture, colour and shape of one object, or of two joined by 'and'. Every "
    "other word, places and relations among them, is read as unknown and ignored."
)


def export_clip(folder: Path, model: CLIPModel, shape: Shape, card: Mapping[str, Any]) -> None:
    """Write configuration, float16 weights, tokenizer, image processor and ``vlmscope.json``.

    Args:
        folder: made if it is not there.
        model: on any device; it is not changed.
        shape: sizes of its vision tower.
        card: what ``vlmscope.json`` says beside what is true of every tiny-clip.
    """
    from transformers import CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("cpu"):
        copy = CLIPModel(model.config)
    copy.load_state_dict({name: value.cpu() for name, value in model.state_dict().items()})
    copy.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes files private to the user
    build_clip_tokenizer().save_pretrained(folder)
    image = image_processor(shape)
    # older and newer releases of transformers look in one file or in the other
    write_json(folder / "preprocessor_config.json", image)
    write_json(
        folder / "processor_config.json",
        {"processor_class": "CLIPProcessor", "image_processor": image},
    )
    write_clip_card(folder, card)


def write_clip_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``vlmscope.json``: what the model knows, where it comes from, what it can do."""
    made = {"torch": torch.__version__, "python": platform.python_version()}
    known = {
        "knows": _KNOWS,
        "supervision": _SUPERVISION,
        "world": replace(RENDERED, instead=_INSTEAD).to_record(),
        "made_with": made,
        "vocabulary": list(clip_vocabulary()),
    }
    write_json(folder / "vlmscope.json", {**known, **card})
