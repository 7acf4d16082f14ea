"""``vision_tower``: the CLIP or SigLIP tower inside a loaded LVLM, as an encoder for dense methods."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from vlmscope.errors import BadOptionError, ModelMismatchError, UnsupportedError
from vlmscope.models.decoders.model import LoadedModel
from vlmscope.models.encoders.dual import DualEncoder, DualFamily
from vlmscope.models.encoders.grafted import (
    InnerTower,
    check_kinship,
    grafted,
    inner_tower,
    strangeness,
)
from vlmscope.models.guard import check_model
from vlmscope.models.loading.load import load
from vlmscope.models.loading.wrappers import check_in_place

__all__ = ["vision_tower"]


@dataclass(frozen=True)
class _Parts:
    """A processor of which the image side is one model's and the text side another's.

    Attributes:
        image_processor: of transformers.
        tokenizer: of transformers.
    """

    image_processor: Any
    tokenizer: Any


def vision_tower(
    model: LoadedModel,
    text: DualEncoder | str,
    *,
    text_embeddings: str | PathLike[str] | Mapping[str, Any] | None = None,
) -> DualEncoder:
    """The image tower inside an LVLM with the texts of its CLIP or SigLIP: every dense method runs on it.

    The tower's weights are shared with the model, not copied, and neither model is changed. What leads
    from the tower to texts (the projection or pooling head, the text encoder) is the other one's.

    Args:
        model: one whose tower is CLIP's or SigLIP's: LLaVA, LLaVA-NeXT, ViP-LLaVA, LLaVA-OneVision,
            PaliGemma, Gemma 3, Idefics3, SmolVLM, DeepSeek-VL.
        text: the CLIP or SigLIP that the tower comes from, on the tower's device and in its dtype; a
            name is loaded so. One with text embeddings of its own (``vs.load(..., text_embeddings=)``)
            keeps them.
        text_embeddings: as for :func:`vlmscope.load`, where ``text`` is a name.

    Returns:
        An encoder whose ``id`` names both models and whose ``notes`` in results say how far the tower's
        weights are from those that the texts were trained with.

    Raises:
        UnsupportedError: a model with another tower, or one that is a dual encoder already; an offloaded
            tower.
        ModelMismatchError: a CLIP or SigLIP that the tower does not come from, or that lies elsewhere.
        BadOptionError: something in place of a model or text; text embeddings beside a loaded one.
        UnknownNameError, ModelLoadError: from loading what ``text`` names.
    """
    check_model(model)
    if not isinstance(model, LoadedModel):
        raise UnsupportedError(
            f"{model.id} is an encoder with texts already: give it to the methods as it is. vision_tower "
            "takes a model that answers in words, such as LLaVA."
        )
    inner = inner_tower(model.hf, model.id, model.family.id)
    check_in_place(inner.module)
    dual = _dual(inner, text, text_embeddings)
    names = (model.id, dual.id)
    if dual.family.id != inner.dual:
        raise ModelMismatchError(
            f"The image tower inside {model.id} is of the family {inner.dual!r}, and {dual.id} of "
            f"{dual.family.id!r}. Give the model that the tower comes from."
        )
    _check_place(inner, dual, names)
    hf = grafted(inner, dual.hf, names)
    share = strangeness(inner, dual.hf)
    check_kinship(share, names)
    return _encoder(model, dual, hf, _notes(inner, dual, names, share))


def _dual(inner: InnerTower, text: Any, text_embeddings: Any) -> DualEncoder:
    if isinstance(text, str):
        weight = inner.patch_weight
        loaded = load(
            text, dtype=weight.dtype, device=weight.device, text_embeddings=text_embeddings
        )
    else:
        loaded = text
    if not isinstance(loaded, DualEncoder):
        got = loaded.id if hasattr(loaded, "id") else type(loaded).__name__
        raise BadOptionError(
            f"text is the CLIP or SigLIP that the tower comes from, got {got}. Give its name, such as "
            "'openai/clip-vit-large-patch14-336', or what vs.load makes of it."
        )
    if text_embeddings is not None and loaded is text:
        raise BadOptionError(
            f"text_embeddings belong to a name that is loaded, and {loaded.id} is loaded already. Give "
            "them to vs.load."
        )
    return loaded


def _check_place(inner: InnerTower, dual: DualEncoder, names: tuple[str, str]) -> None:
    weight = inner.patch_weight
    if weight.device != dual.device or weight.dtype != dual.dtype:
        raise ModelMismatchError(
            f"The image tower inside {names[0]} lies on {weight.device} in {weight.dtype}, and "
            f"{names[1]} on {dual.device} in {dual.dtype}. Load the latter with "
            f"device={str(weight.device)!r} and dtype={str(weight.dtype).removeprefix('torch.')!r}, or "
            "give its name."
        )


def _notes(
    inner: InnerTower, dual: DualEncoder, names: tuple[str, str], share: float | None
) -> tuple[str, ...]:
    if share is None:
        kinship = "its weights are quantised and were not compared with those of its origin"
    elif share == 0:
        kinship = "its weights are those that the texts were trained with"
    else:
        kinship = (
            f"its weights were trained on: {share:.1%} of their size away from those that the texts were "
            "trained with"
        )
    notes = [f"the image tower inside {names[0]}, with the texts of {names[1]}: {kinship}"]
    lacking = len(dual.blocks) - len(inner.layers)
    if lacking:
        notes.append(f"the tower ends early: its last {lacking} blocks are those of {names[1]}")
    return tuple(notes)


def _encoder(model: LoadedModel, dual: DualEncoder, hf: Any, notes: tuple[str, ...]) -> DualEncoder:
    family: DualFamily = copy.copy(dual.family)
    family.notes = (*dual.family.notes, *notes)
    name = f"{model.id}+{dual.id}"
    known = model.revision is not None and dual.revision is not None
    revision = f"{model.revision}+{dual.revision}" if known else None
    world = model.card.world or dual.card.world
    card = replace(
        dual.card,
        id=name,
        embedded=False,
        world=world,
        quantisation=model.card.quantisation,
        licence=f"{model.card.licence}; {dual.card.licence}",
    )
    images = model.processor.image_processor
    tokenizer = getattr(dual.processor, "tokenizer", None)
    processor = images if tokenizer is None else _Parts(images, tokenizer)
    return DualEncoder(name, revision, hf, processor, family, card, dual._texts)
