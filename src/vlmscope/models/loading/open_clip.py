"""open_clip checkpoints (OpenAI, MetaCLIP, LAION, DataComp ...) as transformers' CLIPModel.

The two formats hold the same numbers under other names: open_clip keeps q, k and v in one matrix and
its projections transposed. What the numbers do not tell is the activation (OpenAI and MetaCLIP were
trained with quick_gelu, LAION mostly with gelu; the wrong one gives plausible nonsense) and, for large
towers, the width of a head: both are asked for or read from ``open_clip_config.json``, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.errors import ModelLoadError, UnknownNameError

if TYPE_CHECKING:
    from transformers import CLIPModel

__all__ = ["ACTIVATIONS", "OpenClipShape", "convert_open_clip", "read_open_clip_folder"]

ACTIVATIONS = ("quick_gelu", "gelu")

_WEIGHTS = "open_clip_model.safetensors"
_PICKLED = "open_clip_pytorch_model.bin"

# in OpenAI's and open_clip's state dicts, but no weights
_NOT_WEIGHTS = {"input_resolution", "context_length", "vocab_size", "attn_mask"}

_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}

_SINGLE = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "logit_scale": "logit_scale",
}

_TRANSPOSED = {
    "visual.proj": "visual_projection.weight",
    "text_projection": "text_projection.weight",
}

_TOWERS = {
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
    "transformer.resblocks.": "text_model.encoder.layers.",
}


@dataclass(frozen=True)
class OpenClipShape:
    """What the numbers of a checkpoint do not tell.

    Attributes:
        activation: ``"quick_gelu"`` (OpenAI, MetaCLIP, DFN) or ``"gelu"`` (most of LAION).
        vision_head_width: channels of one attention head of the vision tower; 64 up to ViT-L,
            80 for ViT-H, 88 for ViT-g, 104 for ViT-bigG.
        text_heads: attention heads of the text tower; None: its width / 64.
    """

    activation: str
    vision_head_width: int = 64
    text_heads: int | None = None

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise UnknownNameError("activation", self.activation, ACTIVATIONS)


def convert_open_clip(state: Mapping[str, Tensor], shape: OpenClipShape) -> CLIPModel:
    """Make a CLIPModel out of an open_clip state dict.

    Args:
        state: the state dict; ``module.`` prefixes of distributed training are dropped.
        shape: what it does not tell.

    Raises:
        ModelLoadError: a state dict that is no CLIP of two plain transformers, or only a part of
            one; names the first keys that are missing or too many.
    """
    from transformers import CLIPConfig, CLIPModel

    weights = {key.removeprefix("module."): value for key, value in state.items()}
    weights = {key: value for key, value in weights.items() if key not in _NOT_WEIGHTS}
    _refuse_foreign(weights)
    renamed = _renamed(weights)
    config = CLIPConfig(**_config(weights, shape))
    model = CLIPModel(config)
    expected = model.state_dict()
    missing = sorted(set(expected) - set(renamed))
    surplus = sorted(set(renamed) - set(expected))
    wrong = [k for k in expected if k in renamed and expected[k].shape != renamed[k].shape]
    if missing or surplus or wrong:
        raise ModelLoadError(
            "This open_clip state dict is not a whole CLIP: "
            + "; ".join(
                f"{len(keys)} {what}, for example {keys[0]}"
                for what, keys in (
                    ("weights missing", missing),
                    ("too many", surplus),
                    ("of the wrong shape", wrong),
                )
                if keys
            )
            + ". Save the state dict of the whole model."
        )
    model.load_state_dict(renamed)
    return model.eval()


def read_open_clip_folder(folder: Path) -> tuple[CLIPModel, Any]:
    """Model and processor of a folder in open_clip's layout on the hub.

    It holds ``open_clip_config.json``, tokenizer files, and ``open_clip_model.safetensors`` or
    ``open_clip_pytorch_model.bin``; the latter is read by torch's loader for tensors alone.

    Raises:
        ModelLoadError: a file is missing or describes a tower that is no plain transformer.
        UnpicklingError: pickled weights that hold more than tensors.
    """
    from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPProcessor

    weights = _weights_file(folder)
    record = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))
    shape = _shape(record.get("model_cfg", {}), folder)
    model = convert_open_clip(_read_weights(weights), shape)
    preprocessing = record.get("preprocess_cfg", {})
    side = model.config.vision_config.image_size
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        **{
            f"image_{name}": preprocessing[name]
            for name in ("mean", "std")
            if name in preprocessing
        },
    )
    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    # the pooled text token is the end of text, whose id the tokenizer knows
    model.config.text_config.eos_token_id = tokenizer.eos_token_id
    model.text_model.eos_token_id = tokenizer.eos_token_id
    return model, CLIPProcessor(image_processor, tokenizer)


def _weights_file(folder: Path) -> Path:
    for name in (_WEIGHTS, _PICKLED):
        if (folder / name).is_file():
            return folder / name
    raise ModelLoadError(
        f"{folder} has an open_clip_config.json but neither {_WEIGHTS} nor {_PICKLED}. Fetch the "
        "checkpoint again."
    )


def _read_weights(file: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if file.name == _WEIGHTS:
        return load_file(file)
    state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def _shape(config: Mapping[str, Any], folder: Path) -> OpenClipShape:
    vision, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    if (
        "timm_model_name" in vision
        or "hf_model_name" in text
        or isinstance(vision.get("layers"), list)
    ):
        raise ModelLoadError(
            f"{folder} describes a tower that is no plain vision transformer or text transformer "
            "(timm, Hugging Face text, ResNet); those cannot be converted."
        )
    activation = "quick_gelu" if config.get("quick_gelu", False) else "gelu"
    return OpenClipShape(activation, int(vision.get("head_width", 64)), text.get("heads"))


def _refuse_foreign(weights: Mapping[str, Tensor]) -> None:
    if not any(key.startswith("visual.transformer.resblocks.") for key in weights):
        example = ", ".join(list(weights)[:3]) or "nothing"
        raise ModelLoadError(
            "This is no open_clip state dict with a vision transformer: no key starts with "
            f"'visual.transformer.resblocks.' (found {example}). A checkpoint in transformers' "
            "format needs no conversion: give its folder to vlmscope.load."
        )


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for key, value in weights.items():
        if key in _SINGLE:
            renamed[_SINGLE[key]] = value
        elif key in _TRANSPOSED:
            renamed[_TRANSPOSED[key]] = value.T.contiguous()
        else:
            renamed.update(_in_block(key, value))
    return renamed


def _in_block(key: str, value: Tensor) -> dict[str, Tensor]:
    for prefix, target in _TOWERS.items():
        if not key.startswith(prefix):
            continue
        number, _, rest = key.removeprefix(prefix).partition(".")
        if rest in ("attn.in_proj_weight", "attn.in_proj_bias"):
            kind = rest.rpartition("_")[2]
            parts = zip("qkv", value.chunk(3), strict=True)
            return {
                f"{target}{number}.self_attn.{n}_proj.{kind}": part.clone() for n, part in parts
            }
        module, _, kind = rest.rpartition(".")
        if module in _BLOCK:
            return {f"{target}{number}.{_BLOCK[module]}.{kind}": value}
    return {key: value}  # unknown: reported as one too many


def _config(weights: Mapping[str, Tensor], shape: OpenClipShape) -> dict[str, Any]:
    try:
        patches, width = weights["visual.positional_embedding"].shape
        patch = weights["visual.conv1.weight"].shape[-1]
        context, text_width = weights["positional_embedding"].shape
        vocabulary = weights["token_embedding.weight"].shape[0]
        joint = weights["text_projection"].shape[1]
        vision_inner = weights["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
        text_inner = weights["transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
    except KeyError as error:
        raise ModelLoadError(
            f"This open_clip state dict is not a whole CLIP: it lacks {error.args[0]}. Save the "
            "state dict of the whole model."
        ) from error
    return {
        "projection_dim": joint,
        "vision_config": {
            "hidden_size": width,
            "intermediate_size": vision_inner,
            "num_hidden_layers": _depth(weights, "visual.transformer.resblocks."),
            "num_attention_heads": width // shape.vision_head_width,
            "image_size": round((patches - 1) ** 0.5) * patch,
            "patch_size": patch,
            "hidden_act": shape.activation,
            "projection_dim": joint,
        },
        "text_config": {
            "hidden_size": text_width,
            "intermediate_size": text_inner,
            "num_hidden_layers": _depth(weights, "transformer.resblocks."),
            "num_attention_heads": shape.text_heads or text_width // 64,
            "max_position_embeddings": context,
            "vocab_size": vocabulary,
            "hidden_act": shape.activation,
            "projection_dim": joint,
            # the end-of-text token of the byte-pair vocabulary is its last entry
            "eos_token_id": vocabulary - 1,
        },
    }


def _depth(weights: Mapping[str, Tensor], prefix: str) -> int:
    numbers = {
        int(key.removeprefix(prefix).partition(".")[0]) for key in weights if key.startswith(prefix)
    }
    return len(numbers)
