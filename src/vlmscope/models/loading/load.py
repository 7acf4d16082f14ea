"""From a name to a model: embedded id, local folder, hub id, or what the user already holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.models.cards import read_card
from vlmscope.models.decoders.model import LoadedModel
from vlmscope.models.encoders.dual import DualEncoder, DualFamily
from vlmscope.models.encoders.given_texts import TOWERS_ALONE, GivenTexts
from vlmscope.models.encoders.patch_tower import is_tower
from vlmscope.models.encoders.text_table import TextTable
from vlmscope.models.families import FAMILIES
from vlmscope.models.family_registry import AnyFamily
from vlmscope.models.loading.damage import check_finite
from vlmscope.models.loading.devices import DeviceMap, WeightPlan, plan_weights
from vlmscope.models.loading.foreign_code import refuse_foreign_code
from vlmscope.models.loading.identity import revision_of
from vlmscope.models.loading.load_ts_cam import is_weights_file, load_ts_cam
from vlmscope.models.loading.open_clip import read_open_clip_folder
from vlmscope.models.loading.original_llava import OriginalLlava, is_original_llava
from vlmscope.models.loading.processors import family_processor, load_processor
from vlmscope.models.loading.quantisation import quantisation, quantisation_of
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source, find_source
from vlmscope.models.loading.trial import try_processor
from vlmscope.models.loading.weights import check_weight_files, load_weights
from vlmscope.models.loading.wrappers import check_in_place, check_unwrapped, check_whole

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["from_pretrained_model", "load"]


def load(
    name: str,
    *,
    dtype: torch.dtype | str | None = None,
    device: str | torch.device | None = None,
    device_map: DeviceMap | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    max_side: int | None = None,
    text_embeddings: str | PathLike[str] | Mapping[str, Any] | None = None,
) -> LoadedModel | DualEncoder:
    """Load a model and its processor.

    Images go through the processor's Pillow backend, with or without torchvision, so that the same
    call gives the same rows on every machine.

    Args:
        name: an embedded id (``tiny-llava``), a hub id (``llava-hf/llava-1.5-7b-hf``) or a folder; a file
            of weights is read as a TS-CAM, see :func:`vlmscope.load_ts_cam`.
        dtype: of the weights, a torch dtype or its name; default: as stored, float32 for embedded.
            ``fast``: bfloat16 where the device computes it natively, else float32; the model's
            ``dtype`` says which. Quantised weights stay as they are.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; default: cuda when there is one, else cpu.
            ``auto`` is short for ``device_map="auto"``.
        device_map: spreads the model over devices, memory and disk, by accelerate (an extra):
            ``auto``, ``balanced``, ``sequential`` or module name -> device.
        revision: branch, tag or commit on the hub; what it stands for now, a commit, is recorded.
        trust_remote_code: run code that comes with the checkpoint; only if you read it.
        max_side: make images with a longer side smaller first, in pixels, so that families which
            take any resolution make fewer tokens of them. Boxes stay those of the original.
        text_embeddings: for an image tower, alone or of a dual encoder: a safetensors file or a
            mapping from phrase to vector, in the tower's joint space. Phrases are looked up in it,
            and no text encoder is asked.

    Raises:
        UnknownNameError: a name that is neither embedded, nor a folder, nor a hub id.
        ModelLoadError: the hub or the files refuse, or weights are missing; says why and what to do.
        UnsupportedError: a family that vlmscope does not cover.
        ModelMismatchError: a processor that does not belong to the model, text embeddings of
            another width.
        BadOptionError: a revision of a folder, a device beside a device map, text embeddings that
            are none.
        MissingExtraError: a device map or a quantised model without accelerate.
    """
    if max_side is not None and max_side < 1:
        raise BadOptionError(f"max_side must be at least 1 pixel, got {max_side}.")
    if is_weights_file(name):
        refused = {"device_map": device_map, "revision": revision, "max_side": max_side}
        _check_file(name, {**refused, "text_embeddings": text_embeddings})
        return load_ts_cam(name, device=device, dtype=dtype)
    source = find_source(name, revision)
    if not trust_remote_code:
        refuse_foreign_code(source.name, source.files)
    table = None if text_embeddings is None else TextTable.of(text_embeddings)
    family = _family(source.config, name, table)
    plan = plan_weights(
        dtype,
        device,
        device_map,
        quantised=quantisation(source.config),
        widened=source.embedded or source.open_clip,
    )
    if isinstance(family, DualFamily):
        _check_encoder(name, family, plan, max_side)
    source, hf, processor = _read(source, family, plan, trust_remote_code)
    with explained(source.name):
        family.check(hf, processor)
        loaded = _wrap(source, hf, processor, family)
        try_processor(loaded)
    return replace(loaded, max_side=max_side) if isinstance(loaded, LoadedModel) else loaded


def _check_file(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise BadOptionError for what a file of weights has no use for."""
    for argument, value in arguments.items():
        if value is not None:
            raise BadOptionError(
                f"{name} is a file of weights, which is read as a TS-CAM and has no use for {argument}. "
                "Leave it out; any other model is named by its folder or hub id."
            )


def _family(config: Mapping[str, Any], name: str, table: TextTable | None) -> AnyFamily:
    """The family of a configuration, with the texts that were given.

    Raises:
        UnsupportedError: an image tower alone without texts, one that knows none, or texts for a model
            that writes.
    """
    if is_tower(config):
        raise UnsupportedError(
            f"{name} is a vision tower (type {config['model_type']!r}) that knows no text. Load it by "
            "vlmscope.load_tower: it is the proxy of proxyclip (--proxy), and parts takes it."
        )
    alone = TOWERS_ALONE.get(config["model_type"])
    if table is None:
        if alone is not None:
            raise UnsupportedError(
                f"{name} is the image tower of a {alone.dual} alone, without a text encoder. Load the "
                "whole model, or give embeddings of the texts: text_embeddings=FILE."
            )
        return FAMILIES.for_config(config, name)
    base = FAMILIES.for_config(config if alone is None else {"model_type": alone.dual}, name)
    if not isinstance(base, DualFamily):
        raise UnsupportedError(
            f"{name} (family {base.id!r}) answers in words and compares no image with text embeddings. "
            "Leave text_embeddings out, or load an image tower such as CLIP's."
        )
    return GivenTexts(base, table, None if alone is None else alone.auto_class)


def _check_encoder(name: str, family: DualFamily, plan: WeightPlan, max_side: int | None) -> None:
    """Raise UnsupportedError for what belongs to models that answer in words."""
    if plan.device_map is not None:
        raise UnsupportedError(
            f"{name} (family {family.id!r}) is a dual encoder: small, and run block by block, "
            "so it is neither spread over devices nor quantised. Give device= instead."
        )
    if max_side is not None:
        raise UnsupportedError(
            f"{name} is a dual encoder; max_side is for models that answer in words. Its methods have "
            "the options side and window."
        )


def _read(
    source: Source, family: AnyFamily, plan: WeightPlan, trust_remote_code: bool
) -> tuple[Source, PreTrainedModel, Any]:
    """The source with all that was read, model and processor.

    The processor is read first, for its files are small and say as much of a mistake.
    """
    if source.open_clip:
        return source, *_read_open_clip(source, plan)
    if is_original_llava(source.config):
        return _read_original_llava(source, family, plan)
    path, options = source.path, {**source.options, "trust_remote_code": trust_remote_code}
    wants_text = not isinstance(family, DualFamily) or family.templates
    with explained(source.name, source.offline):
        processor = (
            family_processor(source.name, path, options, family)
            if wants_text
            else load_processor(path, options, wants_text=False)
        )
        if not trust_remote_code:  # again: of the hub's files, some have only now been fetched
            refuse_foreign_code(source.name, source.files)
        if source.folder is not None:
            check_weight_files(source.folder)
        hf = load_weights(source.name, path, family.auto_class, options, plan, family.spare_weights)
        check_finite(source.name, hf)
    return source, hf, processor


def _read_original_llava(
    source: Source, family: AnyFamily, plan: WeightPlan
) -> tuple[Source, PreTrainedModel, Any]:
    checkpoint = OriginalLlava.of(source)
    processor = checkpoint.processor
    with explained(source.name, source.offline):
        source, hf = checkpoint.load(plan, family.spare_weights)
        check_finite(source.name, hf)
    return source, hf, processor


def _read_open_clip(source: Source, plan: WeightPlan) -> tuple[PreTrainedModel, Any]:
    assert source.folder is not None  # only a folder is recognised as open_clip's
    with explained(source.name):
        hf, processor = read_open_clip_folder(source.folder)
        check_finite(source.name, hf)
        hf.to(device=plan.device, dtype=None if plan.dtype == "auto" else plan.dtype)
    return hf, processor


def from_pretrained_model(
    hf_model: PreTrainedModel,
    processor: Any,
    *,
    name: str | None = None,
    revision: str | None = None,
) -> LoadedModel | DualEncoder:
    """Wrap a model and processor that the user already holds; neither is changed.

    Args:
        hf_model: a transformers model of a covered family, on any device, in any dtype, quantised
            or not; a decoder may be spread or offloaded by accelerate.
        processor: the processor that belongs to it.
        name: id for records; default: what the model says of itself.
        revision: for records; default: the commit or the fingerprint of what it was loaded from. Weights
            that are not those of the checkpoint any more (merged, edited, quantised, left out) add
            ``+weights:`` and a digest; samples of each weight are compared.

    Raises:
        UnsupportedError: a family that vlmscope does not cover, a model still wrapped for training
            (peft, DataParallel ...), one without its head, or an encoder that is offloaded.
        ModelMismatchError: a processor that does not belong to the model.
        ModelLoadError: no transformers model.
    """
    check_unwrapped(hf_model)
    config: Any = hf_model.config
    name = name or getattr(config, "_name_or_path", "") or type(hf_model).__name__
    tower = getattr(config, "vision_config", None)
    family = FAMILIES.for_model_type(config.model_type, name, tower)
    check_whole(hf_model, family.auto_class, answers=not isinstance(family, DualFamily))
    if isinstance(family, DualFamily):
        check_in_place(hf_model)
    family.check(hf_model, processor)
    ran = revision or revision_of(hf_model, family.spare_weights)
    return _wrap(Source(name, revision=ran), hf_model, processor, family)


def _wrap(
    source: Source, hf: PreTrainedModel, processor: Any, family: AnyFamily
) -> LoadedModel | DualEncoder:
    card = FAMILIES.card_of(source.name, family.id)
    if source.folder is not None:
        card = read_card(source.folder, card)
    card = replace(card, quantisation=quantisation_of(hf))
    if isinstance(family, DualFamily):
        return DualEncoder(source.name, source.revision, hf, processor, family, card)
    return LoadedModel(source.name, source.revision, hf, processor, family, card)
