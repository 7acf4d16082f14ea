"""From a name to a model: embedded id, local folder, hub id, or what the user already holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.errors import ModelLoadError, UnknownNameError, VlmscopeError
from vlmscope.models.cards import ModelCard, card_for, catalogue, read_card
from vlmscope.models.dual import DualEncoder, DualFamily
from vlmscope.models.families import FAMILIES
from vlmscope.models.family import Family
from vlmscope.models.model import LoadedModel

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["from_pretrained_model", "load"]

_FINGERPRINT_BYTES = 1 << 20
_OPEN_CLIP = "open_clip_config.json"


def load(
    name: str,
    *,
    dtype: torch.dtype | str | None = None,
    device: str | torch.device | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> LoadedModel | DualEncoder:
    """Load a model and its processor.

    Args:
        name: an embedded id (``tiny-llava``), a hub id (``llava-hf/llava-1.5-7b-hf``) or a folder.
        dtype: of the weights, a torch dtype or its name; default: as stored, float32 for embedded.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; default: cuda when there is one, else cpu.
        revision: branch, tag or commit on the hub.
        trust_remote_code: run code that comes with the checkpoint; only if you read it.

    Raises:
        UnknownNameError: a name that is neither embedded, nor a folder, nor a hub id.
        ModelLoadError: the hub or the files refuse; says why and what to do.
        UnsupportedError: a family that vlmscope does not cover.
        ModelMismatchError: a processor that does not belong to the model.
    """
    folder, embedded = _locate(name)
    source = str(folder) if folder is not None else name
    wanted_device = _device(device)
    if folder is not None and (folder / _OPEN_CLIP).is_file():
        return _load_open_clip(name, folder, _dtype(dtype, embedded=True), wanted_device)
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
    if folder is None:
        options["revision"] = revision
    config = _attempt(name, _load_config, source, options)
    family = FAMILIES.for_model_type(config.model_type, name)
    processor = _attempt(name, _load_processor(family), source, options)
    wanted = _dtype(dtype, embedded)
    hf = _attempt(name, _load_weights(family), source, {**options, "dtype": wanted})
    card = card_for(name, family.id)
    if folder is not None:
        card = read_card(folder, card)
    family.check(hf, processor)
    hf.to(wanted_device).eval()
    found = fingerprint(folder) if folder is not None else getattr(hf.config, "_commit_hash", None)
    return _wrap(name, found or revision, hf, processor, family, card)


def from_pretrained_model(
    hf_model: PreTrainedModel,
    processor: Any,
    *,
    name: str | None = None,
    revision: str | None = None,
) -> LoadedModel | DualEncoder:
    """Wrap a model and processor that the user already holds; neither is changed.

    Args:
        hf_model: a transformers model of a covered family, on any device, in any dtype.
        processor: the processor that belongs to it.
        name: id for records; default: what the model says of itself.
        revision: for records; default: the commit it was loaded from.

    Raises:
        UnsupportedError: a family that vlmscope does not cover.
        ModelMismatchError: a processor that does not belong to the model.
    """
    config = getattr(hf_model, "config", None)
    if config is None or not hasattr(config, "model_type"):
        raise ModelLoadError(
            f"from_pretrained_model needs a transformers model, got {type(hf_model).__name__}."
        )
    name = name or getattr(config, "_name_or_path", "") or type(hf_model).__name__
    family = FAMILIES.for_model_type(config.model_type, name)
    family.check(hf_model, processor)
    commit = revision or getattr(config, "_commit_hash", None)
    return _wrap(name, commit, hf_model, processor, family, card_for(name, family.id))


def _wrap(
    name: str,
    revision: str | None,
    hf: PreTrainedModel,
    processor: Any,
    family: Family | DualFamily,
    card: ModelCard,
) -> LoadedModel | DualEncoder:
    if isinstance(family, DualFamily):
        return DualEncoder(name, revision, hf, processor, family, card)
    return LoadedModel(name, revision, hf, processor, family, card)


def _load_open_clip(
    name: str, folder: Path, dtype: Any, device: torch.device
) -> LoadedModel | DualEncoder:
    from vlmscope.models.openclip import read_open_clip_folder

    model, processor = _attempt(name, lambda *_: read_open_clip_folder(folder), name, {})
    family = FAMILIES.for_model_type("clip", name)
    model.to(device=device, dtype=None if dtype == "auto" else dtype)
    family.check(model, processor)
    card = read_card(folder, card_for(name, family.id))
    return _wrap(name, fingerprint(folder), model, processor, family, card)


def fingerprint(folder: Path) -> str | None:
    """A short digest of the weights in a folder: names, sizes, and both ends of every file.

    Not the whole content: a 15 GB checkpoint should not be read twice to be named.
    """
    digest = hashlib.sha256()
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_FINGERPRINT_BYTES))
            stream.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(stream.read(_FINGERPRINT_BYTES))
    return f"sha256:{digest.hexdigest()[:16]}" if files else None


def _locate(name: str) -> tuple[Path | None, bool]:
    """The folder a name stands for (None: the hub), and whether it is an embedded model."""
    embedded = [card.id for card in catalogue() if card.embedded]
    if name in embedded:
        from vlmscope.tiny import embedded_path

        return Path(embedded_path(name)), True
    path = Path(name).expanduser()
    if path.is_dir():
        if not any((path / config).is_file() for config in ("config.json", _OPEN_CLIP)):
            raise ModelLoadError(
                f"The folder {path} holds no config.json, so it is no transformers checkpoint. "
                "Give the folder that save_pretrained() wrote."
            )
        return path, False
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise UnknownNameError(
            "model",
            name,
            [card.id for card in catalogue()],
            "Give an embedded id, a hub id (owner/name) or an existing folder.",
        )
    return None, False


def _attempt(name: str, step: Any, source: str, options: dict[str, Any]) -> Any:
    """Run a loading step; turn what transformers and the hub raise into one clear message."""
    try:
        return step(source, options)
    except VlmscopeError:
        raise
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        raise ModelLoadError(_explain(name, error)) from error


def _explain(name: str, error: BaseException) -> str:
    from huggingface_hub import errors as hub

    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    if any(isinstance(link, hub.GatedRepoError) for link in chain):
        return (
            f"{name} is gated: accept its licence on its hub page and log in with `hf auth login`, "
            "then try again."
        )
    if any(isinstance(link, hub.RepositoryNotFoundError) for link in chain):
        return f"The hub knows no model {name!r} (or it is private and you are not logged in)."
    if any(isinstance(link, hub.RevisionNotFoundError) for link in chain):
        return f"{name} has no such revision. Give a branch, tag or commit that exists."
    if any(
        isinstance(link, (hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, ConnectionError))
        for link in chain
    ):
        return (
            f"{name} is not in the local cache and the hub cannot be reached. Connect once to "
            "download it, or give a local folder; `tiny-llava` needs no network."
        )
    reason = " ".join(str(error).split())[:400]
    return f"{name} could not be loaded: {reason}"


def _load_config(source: str, options: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(source, **options)


def _load_processor(family: Family | DualFamily) -> Any:
    import transformers

    reads_text = not isinstance(family, DualFamily) or family.templates
    auto = transformers.AutoProcessor if reads_text else transformers.AutoImageProcessor
    return lambda source, options: auto.from_pretrained(source, **options)


def _load_weights(family: Family | DualFamily) -> Any:
    import transformers

    auto = getattr(transformers, family.auto_class)
    return lambda source, options: auto.from_pretrained(source, **options)


def _dtype(dtype: torch.dtype | str | None, embedded: bool) -> Any:
    import torch

    if dtype is None:
        # embedded weights are stored in half precision, which processors compute slowly
        return torch.float32 if embedded else "auto"
    if isinstance(dtype, torch.dtype) or dtype == "auto":
        return dtype
    known = {
        "float32": torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }
    if dtype not in known:
        raise UnknownNameError("dtype", dtype, [*known, "auto"])
    return known[dtype]


def _device(device: str | torch.device | None) -> torch.device:
    import torch

    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise UnknownNameError("device", device, ["cpu", "cuda", "cuda:0", "mps"]) from error
    if wanted.type == "cuda" and not torch.cuda.is_available():
        raise ModelLoadError(
            f"The device {device} was asked for, but torch sees no CUDA GPU. Use device='cpu'."
        )
    return wanted
