"""``load_ts_cam``: from a file of the authors' to a TS-CAM on transformers' ViT.

What the file looks like is not in the paper; it is how the authors' program saves: a dictionary of epoch,
``state_dict`` and best score, names as timm's DeiT has them behind ``module.`` (training on several GPUs),
and a head of shape (classes, width, 3, 3). The bare state dict is read as well, also as safetensors.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vlmscope.errors import BadOptionError, ModelLoadError
from vlmscope.io import is_file
from vlmscope.models.cards import ModelCard
from vlmscope.models.encoders.dual import DualEncoder
from vlmscope.models.encoders.ts_cam import TsCamFamily
from vlmscope.models.loading.damage import check_finite
from vlmscope.models.loading.devices import plan_weights
from vlmscope.models.loading.refusals import explained

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["is_weights_file", "load_ts_cam"]

_SUFFIXES = (".pth", ".pt", ".bin", ".tar", ".safetensors")
_HEAD_WIDTH = 64  # of DeiT-Ti, -S and -B alike; a state dict does not tell it
_LISTED = 5

_SINGLE = {
    "cls_token": "vit.embeddings.cls_token",
    "pos_embed": "vit.embeddings.position_embeddings",
    "patch_embed.proj.weight": "vit.embeddings.patch_embeddings.projection.weight",
    "patch_embed.proj.bias": "vit.embeddings.patch_embeddings.projection.bias",
    "norm.weight": "vit.layernorm.weight",
    "norm.bias": "vit.layernorm.bias",
    "head.weight": "classifier.weight",
    "head.bias": "classifier.bias",
}
_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.o_proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}


def is_weights_file(name: Any) -> bool:
    """Whether a model's name is a file of weights, which is how a TS-CAM is named."""
    if not isinstance(name, str | os.PathLike):
        return False
    path = Path(os.fspath(name)).expanduser()
    return path.suffix.lower() in _SUFFIXES and is_file(path)


def load_ts_cam(
    file: str | os.PathLike[str],
    labels: Sequence[str] | None = None,
    *,
    heads: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
) -> DualEncoder:
    """Load a TS-CAM checkpoint as its authors save it, for the method ``ts-cam``.

    Args:
        file: a torch file (read by torch's loader for tensors alone) or safetensors.
        labels: names of the classes in the head's order; None: the lines of the file of the same name
            that ends in ``.txt``, if there is one, else the classes' numbers from 0.
        heads: of attention; None: one for each 64 channels, as in every DeiT.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; default, and ``auto``: cuda when there is one, else cpu.
        dtype: of the weights; default: float32.

    Raises:
        ModelLoadError: no such file, one that is damaged or holds more than tensors, or another layout;
            names what was received.
        BadOptionError: labels that are not one for each class.
    """
    path = Path(os.fspath(file)).expanduser()
    if not is_file(path):
        raise ModelLoadError(
            f"There is no file {path}. Give the checkpoint that TS-CAM's program saved."
        )
    with explained(str(file)):
        weights = _state_dict(path)
        hf = _model(path, weights, heads)
        check_finite(str(file), hf)
    classes = int(hf.config.num_labels)
    names = _labels(path, classes) if labels is None else list(labels)
    _check_labels(names, classes, path)
    hf.config.id2label = dict(enumerate(names))
    hf.config.label2id = {name: row for row, name in enumerate(names)}
    plan = plan_weights(dtype, None if device == "auto" else device, widened=True)
    hf.to(device=plan.device, dtype=None if plan.dtype == "auto" else plan.dtype)
    family = TsCamFamily()
    processor = _processor(int(hf.config.image_size))
    family.check(hf, processor)
    card = ModelCard(str(file), family.id)
    return DualEncoder(str(file), _digest(path), hf, processor, family, card)


def _state_dict(path: Path) -> dict[str, Tensor]:
    """The weights by timm's names.

    Raises:
        ModelLoadError: a file that holds no dictionary of tensors.
    """
    held = _read(path)
    inner = held.get("state_dict") if isinstance(held, Mapping) else None
    weights = inner if isinstance(inner, Mapping) else held
    if not isinstance(weights, Mapping) or not all(isinstance(v, Tensor) for v in weights.values()):
        got = _listed(list(weights)) if isinstance(weights, Mapping) else type(weights).__name__
        raise ModelLoadError(
            f"{path} holds no state dict, alone or under 'state_dict'; it holds {got}. Give the "
            "checkpoint that TS-CAM's program saved."
        )
    return {str(name).removeprefix("module."): value for name, value in weights.items()}


def _read(path: Path) -> Any:
    if path.suffix.lower() == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _model(path: Path, weights: Mapping[str, Tensor], heads: int | None) -> PreTrainedModel:
    from transformers import ViTConfig, ViTForImageClassification

    _check_layout(path, weights)
    config = ViTConfig(**_shape(path, weights, heads))
    model: PreTrainedModel = ViTForImageClassification(config)
    model.classifier = nn.Conv2d(config.hidden_size, config.num_labels, 3, padding=1)
    renamed = _renamed(weights)
    expected = model.state_dict()
    faults = {
        "missing": sorted(set(expected) - set(renamed)),
        "that fit nowhere": sorted(set(renamed) - set(expected)),
        "of another shape": sorted(
            name
            for name, value in renamed.items()
            if name in expected and value.shape != expected[name].shape
        ),
    }
    said = [
        f"{len(names)} weights {what}: {_listed(names)}" for what, names in faults.items() if names
    ]
    if said:
        raise ModelLoadError(
            f"{path} is no TS-CAM on a plain DeiT ({'; '.join(said)}). Others of its authors' models, such "
            "as those on Conformer, are not read."
        )
    model.load_state_dict(renamed)
    return model.eval()


def _check_layout(path: Path, weights: Mapping[str, Tensor]) -> None:
    head = weights.get("head.weight")
    if head is None or "cls_token" not in weights or "pos_embed" not in weights:
        raise ModelLoadError(
            f"{path} is no TS-CAM on DeiT: it lacks cls_token, pos_embed or head.weight, and holds "
            f"{len(weights)} weights, such as {_listed(list(weights))}. Give the checkpoint that TS-CAM's "
            "program saved; a model in transformers' format is loaded by its folder."
        )
    if head.ndim != 4 or tuple(head.shape[2:]) != (3, 3):
        raise ModelLoadError(
            f"The head of {path} has the shape {tuple(head.shape)}; that of a TS-CAM is a convolution of "
            "(classes, width, 3, 3). A DeiT with a linear head is loaded in transformers' format, and "
            "cls-attention couples its attention with its labels."
        )


def _shape(path: Path, weights: Mapping[str, Tensor], heads: int | None) -> dict[str, Any]:
    width = int(weights["cls_token"].shape[-1])
    cells = int(weights["pos_embed"].shape[1]) - 1
    side = round(cells**0.5)
    patch = (
        int(weights["patch_embed.proj.weight"].shape[-1])
        if "patch_embed.proj.weight" in weights
        else 16
    )
    inner = weights.get("blocks.0.mlp.fc1.weight")
    if side * side != cells:
        raise ModelLoadError(
            f"{path} has positions for {cells} patches beside its class token, which are no square. A "
            "distilled DeiT has two special tokens; TS-CAM's has one."
        )
    if width % (heads or _HEAD_WIDTH):
        raise ModelLoadError(
            f"{path} is {width} channels wide, which cannot be shared out to "
            f"{f'{heads} heads' if heads else 'heads of 64'}. Give the number of attention heads: heads=."
        )
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width if inner is None else int(inner.shape[0]),
        "num_hidden_layers": len(
            {name.split(".")[1] for name in weights if name.startswith("blocks.")}
        ),
        "num_attention_heads": heads or width // _HEAD_WIDTH,
        "image_size": side * patch,
        "patch_size": patch,
        "num_labels": int(weights["head.weight"].shape[0]),
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
        "qkv_bias": True,
    }


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        start, _, rest = name.partition(".")
        number, _, part = rest.partition(".")
        module, _, kind = part.rpartition(".")
        if name in _SINGLE:
            renamed[_SINGLE[name]] = value
        elif start == "blocks" and module == "attn.qkv":
            for letter, third in zip("qkv", value.chunk(3), strict=True):
                renamed[f"vit.layers.{number}.attention.{letter}_proj.{kind}"] = third.clone()
        elif start == "blocks" and module in _BLOCK:
            renamed[f"vit.layers.{number}.{_BLOCK[module]}.{kind}"] = value
        else:
            renamed[name] = value  # unknown: reported as one that fits nowhere
    return renamed


def _labels(path: Path, classes: int) -> list[str]:
    """The names beside the file, or numbers.

    Raises:
        ModelLoadError: a file of names that cannot be read.
    """
    file = path.with_suffix(".txt")
    if not is_file(file):
        return [str(number) for number in range(classes)]
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelLoadError(f"The names of classes in {file} cannot be read ({error}).") from error
    return [line.strip() for line in lines if line.strip()]


def _check_labels(names: Sequence[str], classes: int, path: Path) -> None:
    if len(names) != classes or not all(isinstance(name, str) and name.strip() for name in names):
        raise BadOptionError(
            f"The head of {path} has {classes} classes, and {len(names)} names of classes were given "
            f"({_listed([str(name) for name in names])}). Give one for each, in the head's order."
        )


def _processor(side: int) -> Any:
    """Squashed and normalised as in the authors' tests."""
    from transformers import ViTImageProcessorPil

    return ViTImageProcessorPil(
        size={"height": side, "width": side},
        resample=2,  # bilinear
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()[:16]}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(map(str, names[:_LISTED])) or "nothing") + more
