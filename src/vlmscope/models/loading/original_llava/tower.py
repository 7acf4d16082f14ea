"""The vision tower that a checkpoint of the original LLaVA code names: a folder or a hub id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from vlmscope.errors import ModelLoadError, UnknownNameError, UnsupportedError
from vlmscope.io import is_folder
from vlmscope.models.loading.devices import WeightPlan
from vlmscope.models.loading.foreign_code import refuse_foreign_code
from vlmscope.models.loading.original_llava.files import fetched_part
from vlmscope.models.loading.processors import load_processor
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source, find_source
from vlmscope.models.loading.weights import check_weight_files, load_weights
from vlmscope.models.spare_weights import SpareWeights

__all__ = ["find_tower", "image_processor", "tower_config", "tower_weights"]

_TYPES = ("clip", "clip_vision_model")

_TEXTS = SpareWeights(
    r"^(text_model\.|text_projection\.|visual_projection\.|logit_scale$)",
    "CLIP's way into the joint space; a decoder reads the patches before that",
)


def find_tower(source: Source, tower: str) -> Source:
    """Where the tower lies.

    Args:
        source: the checkpoint, pinned.
        tower: as its configuration names it: a folder, relative to the checkpoint's own first, or a
            hub id.

    Raises:
        ModelLoadError: it is not there.
        UnsupportedError: it is no CLIP.
    """
    try:
        found = find_source(str(_folder(source, tower) or tower))
    except UnknownNameError as error:
        raise ModelLoadError(
            f"The config.json of {source.name} names the vision tower {tower!r} (mm_vision_tower), which is "
            "no folder here and no hub id. Put it there, or write where it lies."
        ) from error
    kind = found.config["model_type"]
    if kind not in _TYPES or found.open_clip:
        what = "open_clip" if found.open_clip else repr(kind)
        raise UnsupportedError(
            f"The vision tower {tower} of {source.name} is of the type {what}. In the original LLaVA code's "
            "format a CLIP in transformers' format is read."
        )
    refuse_foreign_code(found.name, found.files)
    return found


def _folder(source: Source, tower: str) -> Path | None:
    """The folder that a tower's name stands for; None: it is none here."""
    inside = tower.startswith(".")
    if source.folder is None and inside:
        return fetched_part(source, tower)
    if source.folder is not None and (inside or is_folder(source.folder / tower)):
        return source.folder / tower  # an absolute path stays as it is
    path = Path(tower)
    return path if path.is_absolute() and is_folder(path) else None


def tower_config(tower: Source, layer: int, name: str) -> Any:
    """The tower's ``CLIPVisionConfig``.

    Args:
        tower: from :func:`find_tower`.
        layer: hidden state that is read.
        name: of the model, for messages.

    Raises:
        ModelLoadError: settings that cannot be read, or a layer that the tower does not have.
    """
    from transformers import CLIPVisionConfig

    with explained(tower.name, tower.offline):
        config = CLIPVisionConfig.from_pretrained(tower.path, **tower.options)
    depth = int(config.num_hidden_layers)
    if not -depth - 1 <= layer <= depth:
        raise ModelLoadError(
            f"The config.json of {name} says mm_vision_select_layer: {layer}, and its vision tower "
            f"{tower.name} has {depth} layers. The two were made for different models."
        )
    return config


def image_processor(tower: Source, *, pads: bool) -> Any:
    """LLaVA's image processor with the settings of the tower's.

    Args:
        tower: from :func:`find_tower`.
        pads: images are padded to a square first.

    Raises:
        ModelLoadError: the tower's cannot be read.
    """
    from transformers import LlavaImageProcessorPil

    with explained(tower.name, tower.offline):
        images = load_processor(tower.path, tower.options, wants_text=False)
    settings = {
        key: value
        for key, value in images.to_dict().items()
        if key.startswith(("do_", "image_", "size", "crop_size", "resample", "rescale"))
        and key not in ("image_processor_type", "do_pad")
        and value is not None
    }
    return LlavaImageProcessorPil(**settings, do_pad=pads)


def tower_weights(tower: Source) -> dict[str, Tensor]:
    """The tower's weights by their names in ``CLIPVisionModel``.

    Raises:
        ModelLoadError: weights that are missing or do not fit the tower's own configuration.
    """
    with explained(tower.name, tower.offline):
        if tower.folder is not None:
            check_weight_files(tower.folder)
        hf = load_weights(
            tower.name, tower.path, "CLIPVisionModel", tower.options, WeightPlan(), (_TEXTS,)
        )
    return hf.state_dict()
