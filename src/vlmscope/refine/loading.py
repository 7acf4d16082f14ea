"""``load_sam``: from a hub id or a folder to a Refiner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.errors import UnknownNameError
from vlmscope.models.loading.damage import check_finite
from vlmscope.models.loading.devices import plan_weights
from vlmscope.models.loading.foreign_code import refuse_foreign_code
from vlmscope.models.loading.quantisation import quantisation
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source, locate, pinned
from vlmscope.models.loading.weights import check_weight_files, load_weights
from vlmscope.refine.kinds import KINDS, kind_of
from vlmscope.refine.refiner import Refiner

if TYPE_CHECKING:
    import torch

__all__ = ["load_sam"]


def load_sam(
    name: str,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    revision: str | None = None,
) -> Refiner:
    """Load a SAM that refines the masks of Groundings.

    Args:
        name: a hub id (``facebook/sam-vit-base``) or a folder that save_pretrained() wrote.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; default, and ``auto``: cuda when there is one,
            else cpu. A SAM is small, so it is never spread.
        dtype: of the image encoder, where the time goes, a torch dtype or its name; default: as
            stored. Prompts and masks are computed in float32 in any case: in bfloat16 a pixel of
            1024 cannot be told from its neighbour.
        revision: branch, tag or commit on the hub; what it stands for now, a commit, is recorded.

    Raises:
        UnknownNameError: a name that is neither a folder nor a hub id.
        ModelLoadError: the hub or the files refuse, or weights are missing; says why and what to do.
        UnsupportedError: a model that is no SAM, or SAM 2 or 3 where torchvision is missing.
        ModelMismatchError: a processor of another image size than the model's.
        BadOptionError: a revision of a folder.
    """
    source = pinned(_locate(name, revision), revision)
    refuse_foreign_code(name, source.files)
    kind = kind_of(source.config["model_type"], name)
    kind.check_installed(name)
    quantised = quantisation(source.config)
    plan = plan_weights(dtype, None if device == "auto" else device, quantised=quantised)
    path, options = source.path, source.options
    with explained(name, source.offline):
        images = kind.load_images(path, options)
        refuse_foreign_code(
            name, source.files
        )  # of the hub's files, some have only now been fetched
        if source.folder is not None:
            check_weight_files(source.folder)
        hf = load_weights(name, path, kind.model_class, options, plan)
        check_finite(name, hf)
    if quantised is None:
        _widen(hf)
    return Refiner.wrap(hf, images, name=name, revision=source.revision)


def _widen(hf: Any) -> None:
    """Put all but the image encoder into float32; it is a few million weights."""
    encoder = next(hf.vision_encoder.parameters()).dtype
    for part in (hf.prompt_encoder, hf.mask_decoder, hf.shared_image_embedding):
        part.float()
    # in SAM 2 and 3 the encoder's last step, though they are kept in the decoder
    for name, part in hf.mask_decoder.named_children():
        if name in ("conv_s0", "conv_s1"):
            part.to(encoder)


def _locate(name: str, revision: str | None) -> Source:
    try:
        return locate(name, revision)
    except UnknownNameError:  # it lists models that answer in words
        known = [kind.example for kind in KINDS]
        hint = "Give a hub id (owner/name) or an existing folder."
        raise UnknownNameError("SAM", name, known, hint) from None
