"""``load``: from a hub id or a folder to a comparator, through the refusals that hold for models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vlmscope.errors import ModelLoadError, UnknownNameError
from vlmscope.evaluation.comparators.catalogue import COMPARATORS
from vlmscope.evaluation.comparators.comparator import Detector, wrap
from vlmscope.evaluation.comparators.kinds import ComparatorKind
from vlmscope.models.loading.damage import check_finite
from vlmscope.models.loading.devices import plan_weights
from vlmscope.models.loading.foreign_code import foreign_code
from vlmscope.models.loading.quantisation import quantisation
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source, locate, pinned
from vlmscope.models.loading.weights import check_weight_files, load_weights

if TYPE_CHECKING:
    import torch

__all__ = ["load"]


def load(
    id: str,
    name: str,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    revision: str | None = None,
) -> Detector:
    """Load a detector to compare with. No code of the checkpoint runs, on no request.

    Args:
        id: of the comparator, for example ``"grounding-dino"``.
        name: a hub id (``IDEA-Research/grounding-dino-tiny``) or a folder that save_pretrained()
            wrote.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; default, and ``auto``: cuda when there is one,
            else cpu. A detector is small, so it is never spread.
        dtype: a torch dtype or its name; default: float32, whatever is stored, since coordinates in
            half precision cannot tell a pixel of a thousand from its neighbour.
        revision: branch, tag or commit on the hub; what it stands for now, a commit, is recorded.

    Raises:
        UnknownNameError: no such comparator, dtype or device, or a name that leads nowhere.
        UnsupportedError: a checkpoint of another type, or one that needs torchvision where that is
            missing.
        ModelLoadError: the hub or the files refuse, the processor or weights are missing, or the
            checkpoint comes with code of its own; says what to do.
        ModelMismatchError: a processor that belongs to something else.
        BadOptionError: a revision of a folder.
    """
    kind = COMPARATORS.get(id)
    source = pinned(_locate(kind, name, revision), revision)
    _refuse_code(kind, name, source.files)
    kind.check_type(source.config["model_type"], name)
    kind.check_installed(name)
    quantised = quantisation(source.config)
    plan = plan_weights(
        dtype, None if device == "auto" else device, quantised=quantised, widened=True
    )
    with explained(name, source.offline):
        processor = kind.load_processor(source.path, source.options)
        _refuse_code(kind, name, source.files)  # some of the hub's files have only now been fetched
        if source.folder is not None:
            check_weight_files(source.folder)
        hf = load_weights(name, source.path, kind.model_class, source.options, plan)
        check_finite(name, hf)
    return wrap(id, hf, processor, name=name, revision=source.revision)


def _refuse_code(kind: ComparatorKind, name: str, folder: Path | None) -> None:
    place = None if folder is None else foreign_code(folder)
    if place is not None:
        raise ModelLoadError(
            f"{name} comes with code of its own ({place}), which is not run for a comparison. Give a "
            f"{kind.title} that transformers reads by itself, such as {kind.example}."
        )


def _locate(kind: ComparatorKind, name: str, revision: str | None) -> Source:
    try:
        return locate(name, revision)
    except UnknownNameError:  # it lists models that answer in words
        hint = "Give a hub id (owner/name) or an existing folder."
        raise UnknownNameError(kind.title, name, [kind.example], hint) from None
