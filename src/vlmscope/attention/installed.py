"""Instruments put into a model and taken out again, one for each thread that looks into it.

The model is prepared while at least one thread has a context open: its attention is switched to the
instrumented twin, and each layer asks for the instrument of the thread that runs it. A thread that has
none runs the model's own kernel on the model's own mask.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vlmscope.attention.decoding import changed_edges, changed_passes
from vlmscope.attention.instrument import Instrument, Reader
from vlmscope.attention.kernels import PROBE, instrumented_name
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.models.cache_keyword import cache_given

__all__ = ["instrument", "own_kernel", "read_by"]

_INSTALLED = "_vlmscope_installed"

# held for moments only: while a model is prepared or put back
_PREPARING = threading.Lock()


@contextlib.contextmanager
def instrument(model: LoadedModel) -> Iterator[Instrument]:
    """This thread's instrument of the model: the active one when nested, else a new one.

    The first thread prepares the model (the decoder's attention implementation is switched to its
    instrumented twin) and the last one puts it back, also when the block raises.
    """
    thread = threading.get_ident()
    with _PREPARING:
        installed = model.decoder.__dict__.get(_INSTALLED)
        active = None if installed is None else installed.owners.get(thread)
        if active is None:
            installed = installed or _prepared(model)
            new = Instrument(model.family.cross_layers(model.hf))
            installed.owners[thread] = new
    if active is not None:
        yield active
        return
    try:
        yield new
    finally:
        with _PREPARING:
            del installed.owners[thread]
            if not installed.owners:
                installed.undo()


@contextlib.contextmanager
def read_by(model: LoadedModel, reader: Reader) -> Iterator[None]:
    """Every pass that this thread makes of the model inside the block is shown to a reader."""
    with instrument(model) as active:
        active.readers.append(reader)
        try:
            yield
        finally:
            active.readers.remove(reader)


def own_kernel(model: LoadedModel) -> str:
    """Name of the attention kernel that the model runs, also while it is instrumented."""
    with _PREPARING:
        installed = model.decoder.__dict__.get(_INSTALLED)
        config = model.decoder.config
        return str(config._attn_implementation if installed is None else installed.kernel)


@dataclass(frozen=True, eq=False)
class _Installed:
    """What was put into a model.

    Attributes:
        kernel: the model's own, whose twin is in its place.
        undo: takes it out again.
        owners: by thread, the instrument of each that has a context open.
    """

    kernel: str | None
    undo: Callable[[], None]
    owners: dict[int, Instrument] = field(default_factory=dict)

    def mine(self) -> Instrument | None:
        """The instrument of the thread that asks."""
        return self.owners.get(threading.get_ident())


def _prepared(model: LoadedModel) -> _Installed:
    decoder = model.decoder
    kernel = decoder.config._attn_implementation
    twin = instrumented_name(kernel)
    cleanup = contextlib.ExitStack()
    installed = _Installed(kernel, cleanup.close)
    with contextlib.ExitStack() as undone:
        undone.callback(cleanup.close)
        for number in model.row_layers:
            module = model.family.attention(model.layers[number])
            cleanup.callback(module.__dict__.pop, PROBE, None)
            module.__dict__[PROBE] = _Probe(installed, number)
        for number in set(range(len(model.layers))) - set(model.row_layers):
            passing = model.layers[number].register_forward_hook(_stop_hook(installed, number))
            cleanup.callback(passing.remove)
        cleanup.callback(decoder.__dict__.pop, _INSTALLED, None)
        # "": of the decoder itself, and of no tower inside it, which keeps its own
        cleanup.callback(decoder.set_attn_implementation, {"": kernel})
        hook = decoder.register_forward_pre_hook(_begin_hook(installed), with_kwargs=True)
        cleanup.callback(hook.remove)
        _guard_generate(model.hf, installed, cleanup)
        decoder.set_attn_implementation({"": twin})
        decoder.__dict__[_INSTALLED] = installed
        undone.pop_all()
    return installed


def _guard_generate(hf: Any, installed: _Installed, cleanup: contextlib.ExitStack) -> None:
    """A user's own ``hf.generate`` refuses options whose passes a context would misread."""
    original, before = getattr(hf, "generate", None), hf.__dict__.get("generate")
    if original is None:
        return  # a model without a head answers nothing

    def generate(*args: Any, **kwargs: Any) -> Any:
        active = installed.mine()
        if active is not None and active.binding is None:
            _refuse_changed(hf, active, _by_name(original, args, kwargs))
        return original(*args, **kwargs)

    hf.__dict__["generate"] = generate
    if before is None:
        cleanup.callback(hf.__dict__.pop, "generate", None)
    else:
        cleanup.callback(hf.__dict__.__setitem__, "generate", before)


def _by_name(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    if not args:
        return kwargs
    names = list(inspect.signature(function).parameters)
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _refuse_changed(hf: Any, active: Instrument, options: dict[str, Any]) -> None:
    changed = changed_passes(hf, options) if active.readers or active.thinner else []
    if changed and active.thinner is not None:
        raise refused_thinning(changed)
    if changed:
        raise UnsupportedError(
            f"With {', '.join(changed)} model.hf.generate makes passes that are not the positions of "
            "the answer it returns, so a capture would record other rows. Use vlmscope.generate, which "
            "reads the returned answer, or leave the option out (use_cache=True, num_beams=1)."
        )
    edges = changed_edges(hf, options) if active.blockers else []
    if edges:
        raise refused_edges(edges)


def refused_edges(changed: list[str]) -> UnsupportedError:
    """The error for options under which a knock-out would block other positions than it names."""
    return UnsupportedError(
        f"{', '.join(changed)} runs passes over another prompt, in which the positions of a knock-out "
        "mean something else. Leave it out inside a knock-out."
    )


def refused_thinning(changed: list[str]) -> UnsupportedError:
    """The error for options whose passes are not one sequence that grows in one cache."""
    return UnsupportedError(
        f"{', '.join(changed)} runs other passes than one sequence that grows in one cache, from which "
        "image tokens cannot leave once for all. Leave it out inside vs.lighten."
    )


@dataclass(frozen=True, eq=False)
class _Probe:
    installed: _Installed
    layer: int

    def __call__(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
    ) -> tuple[Tensor | None, Tensor | None]:
        mine = self.installed.mine()
        if mine is None:
            return mask, None
        return mine.visit(self.layer, module, query, key, mask, options)


def _begin_hook(installed: _Installed) -> Any:
    def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        mine = installed.mine()
        if mine is None:
            return None
        embeds = kwargs.get("inputs_embeds")
        tokens: Any = (
            kwargs.get("input_ids", args[0] if args else None) if embeds is None else embeds
        )
        width = tokens.shape[1]
        cache = cache_given(kwargs)
        past = int(cache.get_seq_length()) if cache is not None else 0
        # a bound pass knows its positions; only one by hand is worth reading its mask for
        bound = mine.binding is not None
        mine.begin(past, int(width), None if bound else _real_tokens(kwargs.get("attention_mask")))
        # a decoder that is told how many logits are wanted may leave out other rows of its last layers
        wanted = kwargs.get("logits_to_keep")
        return (args, {**kwargs, "logits_to_keep": 0}) if isinstance(wanted, int) else None

    return begin


def _stop_hook(installed: _Installed, layer: int) -> Any:
    """Passes that are to end with a layer that has no attention to end in."""

    def stop(*_: Any) -> None:
        mine = installed.mine()
        if mine is not None:
            mine.passed(layer)

    return stop


def _real_tokens(mask: Any) -> Tensor | None:
    """Bool (batch or 1, keys) from the mask that a decoder is given, or None when it is given none.

    Some models (PaliGemma, Gemma 3) make the masks of their attention before the decoder, one for each
    kind of layer: a key that no query of the pass may read is padding there.
    """
    if isinstance(mask, dict):
        mask = mask.get("full_attention", next(iter(mask.values()), None))
    if not isinstance(mask, Tensor) or mask.ndim not in (2, 4):
        return None
    if mask.ndim == 2:
        return mask.bool()
    additive = mask.is_floating_point()
    readable = mask > torch.finfo(mask.dtype).min / 2 if additive else mask.bool()
    return readable.any(dim=1).any(dim=1)
