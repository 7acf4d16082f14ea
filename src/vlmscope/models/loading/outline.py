"""A model without its weights: it writes prompts, places tokens, and reads single weights on demand.

For machines that only explain what a serving engine has computed elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vlmscope.errors import ModelLoadError, UnsupportedError
from vlmscope.models.cards import read_card
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.model import LoadedModel
from vlmscope.models.families import FAMILIES
from vlmscope.models.loading.foreign_code import refuse_foreign_code
from vlmscope.models.loading.parts import empty_model, processor_of, renamings
from vlmscope.models.loading.quantisation import quantisation
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.slices import StoredTensors
from vlmscope.models.loading.sources import Source, find_source
from vlmscope.models.loading.trial import try_processor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Outline", "load_outline"]


@dataclass(frozen=True, eq=False)
class Outline(LoadedModel):
    """What :func:`load_outline` gives.

    Attributes:
        stored: the checkpoint's tensors.
        renamings: patterns of names in a format that transformers does not read, to its own.
    """

    stored: StoredTensors = field(kw_only=True)
    renamings: Mapping[str, str] = field(kw_only=True, default_factory=dict)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Refuses: every pass of vlmscope goes through here.

        Raises:
            UnsupportedError: there is nothing to run.
        """
        raise UnsupportedError(
            f"This outline of {self.id} holds no weights, so nothing can be run in it; it is for "
            f"vlmscope.token_map and vlmscope.rows_from_hidden_states. Load the model: vs.load({self.id!r})."
        )
        yield

    @contextlib.contextmanager
    def one_layer(self) -> Iterator[None]:
        """As :meth:`LoadedModel.frozen`, for a pass that fetches what it needs by :meth:`fetch`."""
        with LoadedModel.frozen(self):
            yield

    def fetch(self, layer: int, module: nn.Module, name: str) -> dict[str, Tensor]:
        """The weights of one part of a layer, by their names in it.

        Args:
            layer: number of the layer.
            module: the part.
            name: of the part in the layer.

        Raises:
            ModelLoadError: the checkpoint has no such tensor, or one of another shape, or holds it in one
            tensor with others.
        """
        stored, joined = self._stored_names(layer)
        weights = {}
        for key, parameter in module.named_parameters(recurse=False):
            wanted = f"{name}.{key}"
            if wanted not in stored and any(each.startswith(wanted) for each in joined):
                raise ModelLoadError(
                    f"The files of {self.id} hold {wanted} of layer {layer} in one tensor with others, which "
                    f"transformers takes apart when it loads the whole model. Load it: vs.load({self.id!r})."
                )
            if wanted not in stored:
                raise ModelLoadError(
                    f"{self.id} lacks the tensor {wanted} of layer {layer}: it was left out or renamed. Its "
                    f"files hold for that layer: {self.stored.described(stored) or 'none'}. Give the "
                    "checkpoint that the engine serves, as save_pretrained() wrote it."
                )
            value = self.stored.read(stored[wanted])
            if value.shape != parameter.shape:
                raise ModelLoadError(
                    f"The tensor {stored[wanted]} of {self.id} is {_shape(value)}, and its config.json says "
                    f"{_shape(parameter)}. The two were made for different models: fetch it again."
                )
            weights[key] = value.to(self.dtype)
        return weights

    def _stored_names(self, layer: int) -> tuple[dict[str, str], set[str]]:
        """Name of a weight within a layer -> name of the tensor in the files; and those made of others.

        Transformers' own renaming is used: checkpoints are older than the classes that read them.
        """
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import (
            WeightConverter,
            WeightRenaming,
            rename_source_key,
        )

        hf: Any = self.hf
        rules = get_model_conversion_mapping(hf, dict(self.renamings))
        renamings = [rule for rule in rules if isinstance(rule, WeightRenaming)]
        converters = [rule for rule in rules if isinstance(rule, WeightConverter)]
        state = hf.state_dict()
        module = self.layers[layer]
        prefix = next(name for name, each in hf.named_modules() if each is module) + "."
        names: dict[str, str] = {}
        joined: set[str] = set()
        for key in self.stored.files:
            if f".{layer}." not in key:
                continue
            renamed, converted = rename_source_key(
                key, renamings, converters, hf.base_model_prefix, state
            )
            if renamed not in state and key in state:  # as transformers does it
                renamed = key
            if renamed.startswith(prefix) and converted is None:
                names[renamed.removeprefix(prefix)] = key
            elif renamed.startswith(prefix):
                joined.add(renamed.removeprefix(prefix))
        return names, joined


def load_outline(name: str, *, revision: str | None = None) -> Outline:
    """A model without its weights: its configuration, its processor, and a way to single tensors.

    Takes no memory for weights; the layers that :func:`vlmscope.rows_from_hidden_states` reads are
    computed in float32 on the CPU.

    Args:
        name: an embedded id, a hub id or a folder.
        revision: branch, tag or commit on the hub.

    Raises:
        UnknownNameError, ModelLoadError, ModelMismatchError, BadOptionError: as :func:`vlmscope.load`.
        UnsupportedError: an encoder, a family whose image is not in a layer's input (cross-attention,
            Q-Former), or quantised weights.
    """
    source = find_source(name, revision)
    refuse_foreign_code(source.name, source.files)
    family = FAMILIES.for_config(source.config, name)
    _check(source, family)
    assert isinstance(family, Family)
    with explained(source.name, source.offline):
        processor = processor_of(source, family)
        refuse_foreign_code(source.name, source.files)  # some files have only now been fetched
        hf = _empty(source, family)
        family.check(hf, processor)
    card = FAMILIES.card_of(source.name, family.id)
    if source.folder is not None:
        card = read_card(source.folder, card)
    card = replace(card, quantisation=None)
    stored = StoredTensors(source)
    outline = Outline(
        *(source.name, source.revision, hf, processor, family, card),
        stored=stored,
        renamings=renamings(source),
    )
    try_processor(outline)
    return outline


def _check(source: Source, family: object) -> None:
    if not isinstance(family, Family):
        raise UnsupportedError(
            f"{source.name} is an encoder without a decoder, so it has no rows to read. Name a model that "
            "answers in words."
        )
    if family.crossed or family.queried:
        why = "by cross-attention" if family.crossed else "through a Q-Former"
        raise UnsupportedError(
            f"{source.name} (family {family.id!r}) reads its image {why}, which one layer's input does not "
            "hold. Load the whole model and use vlmscope.capture."
        )
    scheme = quantisation(source.config)
    if scheme is not None:
        raise UnsupportedError(
            f"{source.name} is quantised ({scheme}), and a single layer cannot be read of it. Give the "
            "checkpoint in float16, bfloat16 or float32, or load the whole model."
        )


def _empty(source: Source, family: Family) -> PreTrainedModel:
    import transformers

    kind = getattr(transformers, family.auto_class)
    make = getattr(kind, "from_config", None) or kind._from_config
    hf = empty_model(source, kind, partial(make, dtype=torch.float32))
    hf.eval()
    _blank(hf, family.layers(hf))
    _fill_buffers(family.decoder(hf), family.layers(hf))
    return hf  # type: ignore[no-any-return]


def _blank(hf: nn.Module, layers: nn.Module) -> None:
    """Zeros that take no memory in place of all weights outside the layers.

    Nothing looks at what is embedded, but a pass asks for its device and its dtype.
    """
    inside = set(layers.modules())
    for module in hf.modules():
        if module not in inside:
            for name, weight in module.named_parameters(recurse=False):
                blank = torch.zeros(()).expand(weight.shape)
                module._parameters[name] = nn.Parameter(blank, requires_grad=False)


def _fill_buffers(decoder: Any, layers: nn.Module) -> None:
    """Frequencies and factors that no checkpoint holds, made as transformers makes them."""
    inside = set(layers.modules())
    for module in (each for each in decoder.modules() if each not in inside):
        buffers = [name for name, each in module.named_buffers(recurse=False) if each.is_meta]
        if not buffers:
            continue
        for parameter in module.parameters(recurse=False):
            parameter._is_hf_initialized = True  # type: ignore[attr-defined]
        for name in buffers:
            module._buffers[name] = torch.empty_like(module._buffers[name], device="cpu")  # type: ignore[arg-type]
        decoder._init_weights(module)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))
