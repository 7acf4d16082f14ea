"""How much memory a model takes, before a single weight is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vlmscope.doctor.picture_cost import PictureCost, picture_cost
from vlmscope.models.loading.sources import Source

__all__ = ["BYTES", "NO_WEIGHTS", "Footprint", "footprint"]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one parameter by dtype."""

NO_WEIGHTS = "the folder holds no weights"
"""Stands in ``Footprint.asked`` of a folder that has neither safetensors nor pickled weights."""

_NAMES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}


@dataclass(frozen=True)
class Footprint:
    """What a model needs before it sees its first image, and for one.

    Attributes:
        model: as asked for.
        revision: the commit or fingerprint that was looked at.
        model_type: of its configuration.
        parameters: how many its configuration asks for.
        stored: parameters in its files by dtype, as their headers say; None when nobody could say.
        asked: where ``stored`` comes from, or why there is none.
        loads_as: dtype that it is loaded in unless another is asked for; None: the files decide.
        quantisation: how its weights are quantised; None: they are not.
        picture: what one picture adds; None for a model without a decoder.
        faults: why it could not be used, each a sentence with its remedy.
    """

    model: str
    revision: str | None
    model_type: str
    parameters: int
    stored: Mapping[str, int] | None
    asked: str
    loads_as: str | None
    quantisation: str | None
    picture: PictureCost | None
    faults: tuple[str, ...] = ()

    def weights(self) -> dict[str, int]:
        """Bytes of the weights by dtype, were they loaded in it."""
        return {name: self.parameters * size for name, size in BYTES.items()}

    @property
    def stored_bytes(self) -> int | None:
        """Bytes of the weights as they are stored; None when nobody could say."""
        from vlmscope.models.loading.weights import ELEMENT_BYTES

        if self.stored is None or any(name not in ELEMENT_BYTES for name in self.stored):
            return None
        return int(sum(count * ELEMENT_BYTES[name] for name, count in self.stored.items()))

    @property
    def loaded_bytes(self) -> int | None:
        """Bytes of the weights as they are loaded by default; None when nobody can say."""
        if self.quantisation is None and self.loads_as in BYTES:
            return self.weights()[self.loads_as]
        return self.stored_bytes

    @property
    def needed_bytes(self) -> int | None:
        """Weights and, where known, the key-value cache of one picture and prompt."""
        if self.loaded_bytes is None:
            return None
        cache = None if self.picture is None else self.picture.cache_bytes
        return self.loaded_bytes + (cache or 0)


def footprint(name: str) -> Footprint:
    """Measure a model without loading it: configuration, headers of its files, one blank picture.

    Nothing but configurations and the processor is downloaded.

    Raises:
        ModelLoadError: when its configuration cannot be read or describes no such model.
        UnknownNameError: a name that stands for nothing.
    """
    from vlmscope.models.loading.foreign_code import refuse_foreign_code
    from vlmscope.models.loading.quantisation import quantisation
    from vlmscope.models.loading.refusals import explained
    from vlmscope.models.loading.sources import locate, pinned

    source = locate(name)
    if source.open_clip:
        refuse_foreign_code(name, source.folder)
        return _of_open_clip(source)
    source = pinned(source)
    refuse_foreign_code(name, source.files)
    with explained(name, source.offline):
        model = _empty_model(source)
    stored, origin = _stored(source)
    loads_as = _loads_as(source, stored)
    return Footprint(
        model=name,
        revision=source.revision,
        model_type=source.config["model_type"],
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        stored=stored,
        asked=origin,
        loads_as=loads_as,
        quantisation=quantisation(source.config),
        picture=picture_cost(source, model, BYTES.get(loads_as or "", 2)),
        faults=_faults(source),
    )


def _faults(source: Source) -> tuple[str, ...]:
    """Why vlmscope could not load the model, whatever its size."""
    from vlmscope.errors import UnsupportedError, VlmscopeError
    from vlmscope.models import FAMILIES
    from vlmscope.models.loading.processors import family_processor
    from vlmscope.models.loading.refusals import fault_of

    try:
        family = FAMILIES.for_config(source.config, source.name)
    except UnsupportedError as error:
        return (" ".join(str(error).split()),)
    try:
        family_processor(source.name, source.path, source.options, family)
    except VlmscopeError as error:
        return (" ".join(str(error).split()),)
    except Exception as error:  # a damaged file can make any library raise anything
        reason = fault_of(error)[:200]
        return (
            f"The processor of {source.name} cannot be loaded ({reason}). Fetch its files again, or "
            "give the folder that save_pretrained() wrote for model and processor.",
        )
    return ()


def _of_open_clip(source: Source) -> Footprint:
    """From headers alone: open_clip's configuration is no transformers configuration."""
    from vlmscope.errors import ModelLoadError
    from vlmscope.models.loading.sources import fingerprint

    assert source.folder is not None  # only a folder is recognised as open_clip's
    stored, origin = _stored(replace(source, files=source.folder))
    if stored is None:
        raise ModelLoadError(f"The size of {source.name} cannot be told: {origin}.")
    return Footprint(
        model=source.name,
        revision=fingerprint(source.folder),
        model_type="open_clip",
        parameters=sum(stored.values()),
        stored=stored,
        asked=origin,
        loads_as="float32",
        quantisation=None,
        picture=None,
    )


def _empty_model(source: Source) -> Any:
    """The model with shapes but without storage."""
    import torch

    from vlmscope.models.loading.configs import config_for

    kind, make = _builder(source)
    config: Any = config_for(kind, source.path, source.options)
    with torch.device("meta"):
        return make(config)


def _builder(source: Source) -> tuple[Any, Callable[[Any], Any]]:
    """A class of transformers, None for any, and what makes a model of its configuration."""
    import transformers

    from vlmscope.errors import UnsupportedError
    from vlmscope.models import FAMILIES

    try:
        auto = getattr(transformers, FAMILIES.for_config(source.config, source.name).auto_class)
    except UnsupportedError:  # its size can be told all the same

        def general(config: Any) -> Any:
            try:
                return _from_config(transformers.AutoModelForImageTextToText, config)
            except ValueError:  # a model that only encodes
                return _from_config(transformers.AutoModel, config)

        return None, general
    return auto, partial(_from_config, auto)


def _from_config(kind: Any, config: Any) -> Any:
    if hasattr(kind, "from_config"):
        return kind.from_config(config, trust_remote_code=False)
    return kind(config)  # a class, not a choice among classes


def _stored(source: Source) -> tuple[dict[str, int] | None, str]:
    """Parameters by stored dtype, and where that is from or why it is not known."""
    from vlmscope.errors import ModelLoadError
    from vlmscope.models.loading.weights import count_parameters, read_header, weight_files

    assert source.files is not None  # pinned
    try:
        files = weight_files(source.files)
        if files:
            headers = [read_header(file) for file in files]
            return count_parameters(headers), f"the headers of {len(files)} file(s) here"
    except ModelLoadError:
        if source.folder is not None:  # the hub's cache may hold a part; a folder has to be whole
            raise
    if source.folder is not None:
        pickled = any(source.files.glob("*.bin"))
        return None, "the folder holds no safetensors files" if pickled else NO_WEIGHTS
    return _ask_the_hub(source)


def _ask_the_hub(source: Source) -> tuple[dict[str, int] | None, str]:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import NotASafetensorsRepoError

    alone = "sizes are from the configuration alone"
    if source.offline is not None:
        return None, f"the hub could not be asked, {source.offline}; {alone}"
    try:
        metadata = HfApi().get_safetensors_metadata(source.name, revision=source.revision)
    except NotASafetensorsRepoError:
        return None, f"the hub has no safetensors of it; {alone}"
    except Exception as error:  # any failure of the network; the configuration still tells
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        return None, f"the hub could not be asked ({reason}); {alone}"
    counts = {str(name): count for name, count in metadata.parameter_count.items()}
    return counts, "the hub's metadata"


def _loads_as(source: Source, stored: Mapping[str, int] | None) -> str | None:
    """What ``dtype="auto"`` comes to."""
    if source.embedded:
        return "float32"
    text = source.config.get("text_config") or {}
    dtype = source.config.get("dtype") or source.config.get("torch_dtype")
    dtype = dtype or text.get("dtype") or text.get("torch_dtype")
    if dtype:
        return str(dtype).removeprefix("torch.")
    floats = {name: count for name, count in (stored or {}).items() if name in _NAMES}
    return _NAMES[max(floats, key=floats.__getitem__)] if floats else None
