"""Tiny checkpoints in the format of the original LLaVA code, with random weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from lvlms.build import special_tokenizer

__all__ = ["Original", "write_original"]

WIDTH, INNER, SIDE, PATCH = 64, 32, 56, 14


@dataclass(frozen=True, eq=False)
class Original:
    """What was written.

    Attributes:
        folder: of the checkpoint.
        llama: its decoder with its own vocabulary, as the original code runs it.
        tower: its vision tower.
        state: its tensors by the original names.
    """

    folder: Path
    llama: LlamaForCausalLM
    tower: CLIPVisionModel
    state: dict[str, torch.Tensor]

    def config(self) -> dict:
        return json.loads((self.folder / "config.json").read_text())

    def change(self, **entries: object) -> None:
        """Change entries of config.json; None takes one out."""
        whole = {**self.config(), **entries}
        kept = {key: value for key, value in whole.items() if value is not None}
        (self.folder / "config.json").write_text(json.dumps(kept))

    def save(self, pickled: bool = False) -> None:
        """Write the weights anew."""
        for file in (*self.folder.glob("*.safetensors"), *self.folder.glob("*.bin*")):
            file.unlink()
        if not pickled:
            save_file(self.state, self.folder / "model.safetensors")
            return
        names = [f"pytorch_model-{number:05}-of-00002.bin" for number in (1, 2)]
        parts = {name: dict(list(self.state.items())[at::2]) for at, name in enumerate(names)}
        for name, part in parts.items():
            torch.save(part, self.folder / name)
        weight_map = {key: name for name, part in parts.items() for key in part}
        index = {"metadata": {}, "weight_map": weight_map}
        (self.folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def write_original(
    folder: Path,
    projector: str = "mlp2x_gelu",
    *,
    inside: bool = False,
    whole_clip: bool = False,
    special: tuple[str, ...] = (),
    **entries: object,
) -> Original:
    """Write one.

    Args:
        folder: where; the tower comes into ``tower`` within it.
        projector: ``mm_projector_type``.
        inside: the tower's weights stand in the checkpoint, and no others.
        whole_clip: the tower's folder holds a whole CLIP.
        special: further tokens of the tokenizer.
        entries: of config.json.
    """
    torch.manual_seed(0)
    folder.mkdir(exist_ok=True)
    tokenizer = special_tokenizer(list(special))
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        hidden_size=WIDTH,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=8,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
    )
    llama = LlamaForCausalLM(config).eval()
    for layer in llama.model.layers:  # rows with clear peaks
        layer.self_attn.q_proj.weight.data *= 6
        layer.self_attn.k_proj.weight.data *= 6
    tower = _tower(folder / "tower", whole_clip, weights=not inside)
    state = {key: value.detach().clone() for key, value in llama.state_dict().items()}
    state |= {f"model.mm_projector.{key}": value for key, value in _projector(projector).items()}
    if inside:
        prefix = "model.vision_tower.vision_tower.vision_model."
        state |= {f"{prefix}{key}": value.clone() for key, value in tower.state_dict().items()}
    original = Original(folder, llama, tower, state)
    (folder / "config.json").write_text("{}")
    original.change(**{**_config(config, projector), **entries})
    original.save()
    return original


def _tower(folder: Path, whole: bool, *, weights: bool) -> CLIPVisionModel:
    settings = {
        "hidden_size": INNER,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": SIDE,
        "patch_size": PATCH,
    }
    images = CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )
    images.save_pretrained(folder)
    if not whole:
        tower = CLIPVisionModel(CLIPVisionConfig(**settings)).eval()
        (tower if weights else tower.config).save_pretrained(folder)
        return tower
    text = {**settings, "vocab_size": 50, "max_position_embeddings": 16}
    clip = CLIPModel(CLIPConfig(vision_config=settings, text_config=text, projection_dim=16)).eval()
    clip.save_pretrained(folder)
    return CLIPVisionModel.from_pretrained(folder).eval()


def _projector(kind: str) -> dict[str, torch.Tensor]:
    """Random tensors by their numbers in the original's sequence."""
    if kind == "linear":
        return {"weight": torch.randn(WIDTH, INNER) * 0.2, "bias": torch.randn(WIDTH) * 0.1}
    step, norm = (3, True) if kind.endswith("_Norm") else (2, False)
    tensors = {}
    for number in range(int(kind[3])):
        at = number * step
        tensors[f"{at}.weight"] = torch.randn(WIDTH, WIDTH if number else INNER) * 0.2
        tensors[f"{at}.bias"] = torch.randn(WIDTH) * 0.1
        if norm:
            tensors[f"{at + 1}.weight"] = 1 + torch.randn(WIDTH) * 0.2
            tensors[f"{at + 1}.bias"] = torch.randn(WIDTH) * 0.1
    return tensors


def _config(text: LlamaConfig, projector: str) -> dict[str, object]:
    """As the original code's ``save_pretrained`` writes it."""
    return {
        "architectures": ["LlavaLlamaForCausalLM"],
        "bos_token_id": 1,
        "eos_token_id": 2,
        "freeze_mm_mlp_adapter": False,
        "hidden_act": "silu",
        "hidden_size": WIDTH,
        "image_aspect_ratio": "pad",
        "intermediate_size": 96,
        "max_position_embeddings": 512,
        "mm_hidden_size": INNER,
        "mm_projector_type": None if projector == "linear" else projector,
        "mm_use_im_patch_token": False,
        "mm_use_im_start_end": False,
        "mm_vision_select_feature": "patch",
        "mm_vision_select_layer": -2,
        "mm_vision_tower": "./tower",
        "model_type": "llava",
        "num_attention_heads": 8,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "pad_token_id": 0,
        "rms_norm_eps": text.rms_norm_eps,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "tune_mm_mlp_adapter": False,
        "use_mm_proj": True,
        "vocab_size": text.vocab_size,
    }
