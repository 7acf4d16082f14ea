"""``load_tower``: from a hub id or a folder to a vision tower that knows no text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.errors import UnknownNameError
from vlmscope.models.encoders.patch_tower import TOWERS, PatchTower, kind_of_tower, wrap_tower
from vlmscope.models.loading.damage import check_finite
from vlmscope.models.loading.devices import plan_weights
from vlmscope.models.loading.foreign_code import refuse_foreign_code
from vlmscope.models.loading.processors import load_processor
from vlmscope.models.loading.quantisation import quantisation
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source, locate, pinned
from vlmscope.models.loading.weights import check_weight_files, load_weights
from vlmscope.models.loading.wrappers import check_in_place, check_unwrapped
from vlmscope.models.spare_weights import POOLER

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["load_tower", "tower_from_pretrained"]


def load_tower(
    name: str,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    revision: str | None = None,
) -> PatchTower:
    """Load a vision tower whose patches say which belong together: the proxy of ``proxyclip``.

    Args:
        name: a hub id (``facebook/dinov2-base``) or a folder that save_pretrained() wrote.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; default, and ``auto``: cuda when there is one,
            else cpu.
        dtype: of the weights, a torch dtype or its name; default: as stored.
        revision: branch, tag or commit on the hub; what it stands for now, a commit, is recorded.

    Raises:
        UnknownNameError: a name that is neither a folder nor a hub id.
        ModelLoadError: the hub or the files refuse, or weights are missing; says why and what to do.
        UnsupportedError: a model that is no DINO, DINOv2 or DINOv3 tower.
        BadOptionError: a revision of a folder.
    """
    source = pinned(_locate(name, revision), revision)
    refuse_foreign_code(name, source.files)
    kind = kind_of_tower(source.config["model_type"], name)
    plan = plan_weights(
        dtype, None if device == "auto" else device, quantised=quantisation(source.config)
    )
    with explained(name, source.offline):
        processor = load_processor(source.path, source.options, wants_text=False)
        refuse_foreign_code(name, source.files)  # of the hub's, some have only now been fetched
        if source.folder is not None:
            check_weight_files(source.folder)
        options = {**source.options, **kind.loading}
        hf = load_weights(name, source.path, kind.model_class, options, plan, (POOLER,))
        check_finite(name, hf)
        return wrap_tower(hf, processor, name, source.revision)


def tower_from_pretrained(
    hf_model: PreTrainedModel, processor: Any, *, name: str | None = None
) -> PatchTower:
    """Wrap a tower and its image processor that the user already holds; neither is changed.

    Args:
        hf_model: a ``Dinov2Model``, ``Dinov2WithRegistersModel``, ``DINOv3ViTModel`` or ``ViTModel``.
        processor: its image processor.
        name: id for records; default: what the model says of itself.

    Raises:
        UnsupportedError: another model, or one still wrapped or offloaded.
        ModelMismatchError: a processor that is none of images.
        ModelLoadError: no transformers model.
    """
    check_unwrapped(hf_model)
    check_in_place(hf_model)
    config: Any = hf_model.config
    name = name or getattr(config, "_name_or_path", "") or type(hf_model).__name__
    return wrap_tower(hf_model, processor, name, None)


def _locate(name: str, revision: str | None) -> Source:
    try:
        return locate(name, revision)
    except UnknownNameError:  # it lists models that know text
        known = [kind.example for kind in TOWERS.values()]
        hint = "Give a hub id (owner/name) or an existing folder."
        raise UnknownNameError("vision tower", name, known, hint) from None
