"""What the ``config.json`` of the original LLaVA code says, in transformers' words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vlmscope.errors import ModelLoadError, UnsupportedError
from vlmscope.models.loading.quantisation import quantisation

__all__ = ["OriginalSettings", "read_settings"]

PROJECTOR = re.compile(r"^(?:linear|mlp(?P<depth>[1-9])x_gelu(?P<norm>_Norm)?)$")
"""Projectors that are read; ``_Norm`` is Yi-VL's, with a norm after each linear part."""

# entries that a LLaMA of transformers takes as they are
_TEXT = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "head_dim", "hidden_act", "max_position_embeddings", "rms_norm_eps"),
    *("initializer_range", "rope_theta", "rope_scaling", "attention_bias", "mlp_bias"),
    *("tie_word_embeddings", "bos_token_id", "eos_token_id"),
)
_NEEDED = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")

# entries of code that goes further than LLaVA-1.5's, and what they stand for
_BEYOND = {
    "mm_vision_tower_aux": "a second vision tower",
    "mm_resampler_type": "a resampler between tower and decoder",
    "s2": "the picture at several scales",
}


@dataclass(frozen=True)
class OriginalSettings:
    """One such configuration.

    Attributes:
        text: keywords of transformers' ``LlamaConfig``.
        tower: the folder or hub id of the vision tower, as it is written.
        projector: ``mm_projector_type``.
        layer: hidden state of the tower that is read, as an index from either end.
        keeps_class: the tower's class token goes into the decoder in front of the patches.
        pads: images are padded to a square; else cropped.
        delimited: an image stands between ``<im_start>`` and ``<im_end>``.
    """

    text: Mapping[str, Any]
    tower: str
    projector: str
    layer: int
    keeps_class: bool
    pads: bool
    delimited: bool

    @property
    def norms(self) -> bool:
        """Whether the projector is Yi-VL's, with norms inside."""
        return self.projector.endswith("_Norm")


def read_settings(config: Mapping[str, Any], name: str) -> OriginalSettings:
    """Read a ``config.json`` of the original code.

    Args:
        config: what it says.
        name: of the model, for messages.

    Raises:
        UnsupportedError: it describes more than a tower, a projector and a LLaMA.
        ModelLoadError: an entry that is needed is missing or no such value.
    """
    _check_kind(config, name)
    for key in _NEEDED:
        if not isinstance(config.get(key), int):
            raise _no_entry(name, key, config.get(key), "a whole number")
    tower = config.get("mm_vision_tower")
    if not isinstance(tower, str) or not tower.strip():
        raise _no_entry(name, "mm_vision_tower", tower, "the folder or hub id of a CLIP tower")
    layer = config.get("mm_vision_select_layer", -2)
    if not isinstance(layer, int):
        raise _no_entry(name, "mm_vision_select_layer", layer, "a whole number")
    text = {key: config[key] for key in _TEXT if config.get(key) is not None}
    if "max_sequence_length" in config:  # LLaVA 1
        text.setdefault("max_position_embeddings", config["max_sequence_length"])
    return OriginalSettings(
        text,
        tower,
        _projector(config, name),
        layer,
        _keeps_class(config, name),
        _pads(config, name),
        bool(config.get("mm_use_im_start_end", False)),
    )


def _check_kind(config: Mapping[str, Any], name: str) -> None:
    for key, what in _BEYOND.items():
        if config.get(key):
            raise UnsupportedError(
                f"{name} is in the original LLaVA code's format and has {what} ({key}: {config[key]!r}), "
                "for which transformers has no class. One tower, one projector and a LLaMA are read."
            )
    scheme = quantisation(config)
    if scheme is not None:
        raise UnsupportedError(
            f"{name} is in the original LLaVA code's format and quantised ({scheme}). Give it in "
            "float16, bfloat16 or float32, or give weights in transformers' format."
        )


def _projector(config: Mapping[str, Any], name: str) -> str:
    kind = config.get("mm_projector_type") or "linear"
    if not isinstance(kind, str) or not PROJECTOR.match(kind):
        raise UnsupportedError(
            f"{name} has the projector {kind!r} (mm_projector_type). Known: 'linear', 'mlp2x_gelu' and "
            "other depths, 'mlp2x_gelu_Norm'."
        )
    return kind


def _keeps_class(config: Mapping[str, Any], name: str) -> bool:
    kept = config.get("mm_vision_select_feature", "patch")
    if kept not in ("patch", "cls_patch"):
        raise _no_entry(name, "mm_vision_select_feature", kept, "'patch' or 'cls_patch'")
    return bool(kept == "cls_patch")


def _pads(config: Mapping[str, Any], name: str) -> bool:
    ratio = config.get("image_aspect_ratio")
    if ratio in (None, "square", "pad"):
        return bool(ratio == "pad")
    raise UnsupportedError(
        f"{name} is in the original LLaVA code's format and fits images by {ratio!r} "
        "(image_aspect_ratio): that is LLaVA-NeXT, which cuts them into tiles. Give it in "
        "transformers' format: llava-hf/llava-v1.6-vicuna-7b-hf and others."
    )


def _no_entry(name: str, key: str, value: Any, wanted: str) -> ModelLoadError:
    return ModelLoadError(
        f"The config.json of {name} is in the original LLaVA code's format and says {key}: {value!r}; "
        f"it has to be {wanted}. It was edited or damaged: fetch the checkpoint again."
    )
