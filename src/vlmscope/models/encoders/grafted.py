"""The image tower inside a model that answers in words, in the place of a dual encoder's own tower.

LLaVA sees through CLIP's tower, PaliGemma through SigLIP's, without what leads from there to texts. The
rest of a CLIP or SigLIP has just that: its projection or pooling head, and its text encoder. What is put
together here is a model of the dual encoder's class whose modules are those of the two models, shared and
not copied; neither model is changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from vlmscope.errors import ModelMismatchError, UnsupportedError

__all__ = ["InnerTower", "check_kinship", "grafted", "inner_tower", "strangeness"]

_DUALS: Mapping[str, str] = MappingProxyType(
    {
        "clip_vision_model": "clip",
        "siglip_vision_model": "siglip",
        "idefics3_vision": "siglip",
        "smolvlm_vision": "siglip",
    }
)
"""The family of the dual encoder by the tower's model type."""

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "internvl_vision": "InternViT, whose text encoder transformers has no class for",
        "blip_2_vision_model": "EVA-CLIP's, whose text encoder transformers has no class for",
        "instructblip_vision_model": "EVA-CLIP's, whose text encoder transformers has no class for",
        "mllama_vision_model": "with gates and tiles of its own, which no text encoder was trained with",
        "janus_vision_model": "SigLIP's as timm arranges it, whose text encoder transformers has no class "
        "for",
    }
)
_OWN = "of its own, which shares no space with a text encoder"

_SIZES = ("hidden_size", "intermediate_size", "num_attention_heads", "patch_size", "hidden_act")
_FAR = 1.0  # unrelated weights are 1.4 times their own size apart, those of a fine-tuned tower some percent


@dataclass(frozen=True, eq=False)
class InnerTower:
    """The image tower of a model that answers in words.

    Attributes:
        module: of transformers; holds ``embeddings``, ``encoder`` and ``post_layernorm``.
        config: its configuration.
        dual: id of the family of dual encoders that it is of.
    """

    module: Any
    config: Any
    dual: str

    @property
    def patch_weight(self) -> Tensor:
        """Of the patch embedding: says where the tower lies and in which numbers it computes."""
        weight: Tensor = self.module.embeddings.patch_embedding.weight
        return weight

    @property
    def layers(self) -> nn.ModuleList:
        """Its blocks."""
        layers: nn.ModuleList = self.module.encoder.layers
        return layers


def inner_tower(hf: Any, name: str, family: str) -> InnerTower:
    """The tower inside a model of transformers.

    Args:
        hf: the model.
        name, family: its id and its family's, for the message.

    Raises:
        UnsupportedError: a tower that is none of CLIP's or SigLIP's; says which it is.
    """
    config = getattr(hf.config, "vision_config", None)
    kind = str(getattr(config, "model_type", "none"))
    places = (
        getattr(getattr(hf, "model", hf), place, None) for place in ("vision_tower", "vision_model")
    )
    module = next((each for each in places if isinstance(each, nn.Module)), None)
    if kind not in _DUALS or module is None:
        raise UnsupportedError(
            f"The image tower inside {name} (family {family!r}) is {_REASONS.get(kind, _OWN)} (type "
            f"{kind!r}). Dense methods run on towers inside an LVLM that are CLIP's or SigLIP's: types "
            f"{', '.join(_DUALS)}."
        )
    return InnerTower(module, config, _DUALS[kind])


def grafted(inner: InnerTower, dual: Any, names: tuple[str, str]) -> Any:
    """A dual encoder with another tower: its blocks, embeddings and last norm are the inner tower's.

    Where the inner tower ends before the last block (LLaVA-OneVision leaves one out), the blocks that it
    lacks and the last norm stay the dual encoder's.

    Args:
        inner: the tower.
        dual: a CLIP or SigLIP of transformers, whole or its image part with the way into the joint space.
        names: ids of the model that the tower is in and of the dual encoder, for messages.

    Raises:
        ModelMismatchError: towers of different shapes.
    """
    whole = hasattr(dual, "vision_model")
    donor = dual.vision_model if whole else dual
    _check_shape(inner, donor.config, names)
    tower = _like(donor)
    tower._modules |= {"embeddings": _embeddings(inner, donor.embeddings)}
    tower._modules |= {"encoder": _encoder(inner, donor.encoder)}
    if hasattr(donor, "pre_layrnorm"):
        tower._modules |= {"pre_layrnorm": inner.module.pre_layrnorm}
    if len(inner.layers) == len(donor.encoder.layers):
        tower._modules |= {"post_layernorm": inner.module.post_layernorm}
    tower.config = copy.copy(donor.config)
    tower.config.image_size = inner.config.image_size
    if not whole:
        return tower
    model = _like(dual)
    model._modules |= {"vision_model": tower}
    model.config = copy.copy(dual.config)
    if hasattr(dual.config, "vision_config"):
        model.config.vision_config = tower.config
    else:
        model.config.image_size = inner.config.image_size
    return model


def strangeness(inner: InnerTower, dual: Any) -> float | None:
    """How far the blocks' matrices lie from those of a dual encoder's own tower, as a share of their size.

    0: the same; some percent: fine-tuned; 1.4: unrelated. None: they cannot be compared (quantised).
    """
    own = getattr(dual, "vision_model", dual).encoder.layers
    apart = size = 0.0
    for mine, theirs in zip(inner.layers, own, strict=False):
        other = dict(theirs.named_parameters())
        for name, weight in mine.named_parameters():
            if weight.ndim < 2 or weight.shape != other[name].shape:
                continue
            if not weight.is_floating_point():
                return None
            reference = other[name].detach().float()
            apart += float((weight.detach().to(reference) - reference).square().sum())
            size += float(reference.square().sum())
    return (apart / size) ** 0.5 if size else None


def check_kinship(share: float | None, names: tuple[str, str]) -> None:
    """Raise ModelMismatchError where two towers are of one shape and of different origins."""
    if share is not None and not share < _FAR:
        raise ModelMismatchError(
            f"The image tower inside {names[0]} does not come from that of {names[1]}: the weights of "
            f"their blocks are {share:.0%} of their size apart, so its patches mean nothing to those "
            "texts. Give the CLIP or SigLIP that the model was built with."
        )


def _check_shape(inner: InnerTower, config: Any, names: tuple[str, str]) -> None:
    for field in _SIZES:
        mine, theirs = getattr(inner.config, field), getattr(config, field)
        if mine != theirs:
            raise ModelMismatchError(
                f"The image tower inside {names[0]} has {field} {mine}, and that of {names[1]} {theirs}. "
                "Give the CLIP or SigLIP that the model was built with."
            )
    depths = len(inner.layers), int(config.num_hidden_layers)
    if depths[0] > depths[1]:
        raise ModelMismatchError(
            f"The image tower inside {names[0]} has {depths[0]} blocks, and that of {names[1]} "
            f"{depths[1]}. Give the CLIP or SigLIP that the model was built with."
        )


def _embeddings(inner: InnerTower, donor: Any) -> Any:
    """The tower's own embeddings, in the dual encoder's class (Idefics3 has one that wants a mask)."""
    own = inner.module.embeddings
    if type(own) is type(donor):
        return own
    made = _like(donor)
    for name in ("patch_embedding", "position_embedding"):
        made._modules[name] = getattr(own, name)
    count = own.position_embedding.num_embeddings
    made._buffers["position_ids"] = torch.arange(count, device=inner.patch_weight.device)[None]
    made.image_size, made.num_patches, made.num_positions = own.image_size, count, count
    return made


def _encoder(inner: InnerTower, donor: Any) -> Any:
    encoder = _like(donor)
    rest = encoder.layers[len(inner.layers) :]
    encoder._modules["layers"] = nn.ModuleList([*inner.layers, *rest])
    return encoder


def _like(module: Any) -> Any:
    """A module of the same class with the same parts; putting others into it leaves the first as it is."""
    made = copy.copy(module)
    made._modules, made._parameters = dict(module._modules), dict(module._parameters)
    made._buffers = dict(module._buffers)
    return made
