"""Checkpoints in the format of somebody's own code, and where the same weights are in transformers'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlmscope.errors import UnsupportedError

__all__ = ["UNAVAILABLE", "check_format", "port_of"]

UNAVAILABLE: Mapping[str, str] = {
    "Yi-VL": "has no class in transformers: its checkpoints are in the original LLaVA code's format",
    "Mini-Gemini": "has no class in transformers: its checkpoints need their own code",
}
"""Families that people ask for and that cannot be covered, with the reason."""

# model type in somebody's own format -> the same weights in transformers' format
_PORTS = {
    "internvl_chat": "OpenGVLab/InternVL3-8B-hf and others whose name ends in -hf",
    "multi_modality": "deepseek-community/deepseek-vl-7b-chat, deepseek-community/Janus-Pro-7B",
    "ovis": "thisisiron/Ovis2-8B-hf and others whose name ends in -hf",
    "chatglm": "zai-org/GLM-4.1V-9B-Thinking",
    "llava_llama": "llava-hf/llava-1.5-7b-hf",
    "llava_mistral": "llava-hf/llava-v1.6-mistral-7b-hf",
    "llava_qwen": "llava-hf/llava-onevision-qwen2-7b-ov-hf",
}


def port_of(model_type: str) -> str:
    """A sentence on where a model type's weights are in transformers' format, or nothing."""
    port = _PORTS.get(model_type)
    if port is None:
        return ""
    return f" This is the format of the authors' own code; in that of transformers: {port}."


def check_format(name: str, config: Mapping[str, Any]) -> None:
    """Refuse the original LLaVA code's format, which shares its model type with transformers'.

    Raises:
        UnsupportedError: for LLaVA's own checkpoints, Yi-VL and others made with the same code.
    """
    if "mm_vision_tower" in config and "vision_config" not in config:
        raise UnsupportedError(
            f"{name} is in the format of the original LLaVA code (its config.json names an "
            "mm_vision_tower), which transformers does not read. Give a port such as "
            "llava-hf/llava-1.5-7b-hf; of Yi-VL and Mini-Gemini there is none."
        )
