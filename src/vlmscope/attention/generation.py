"""Let a model answer, with every context that is active watching."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from vlmscope.attention.capture import Trace
from vlmscope.attention.decoding import (
    ForcedIds,
    changed_edges,
    changed_passes,
    check_options,
    plain_settings,
)
from vlmscope.attention.generated import Generation, generation_of
from vlmscope.attention.installed import instrument, refused_edges, refused_thinning
from vlmscope.attention.instrument import Binding, Instrument
from vlmscope.attention.prefill import as_batch
from vlmscope.errors import AttentionError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.cache_keyword import with_cache
from vlmscope.models.guard import check_model

__all__ = ["Generation", "generate"]


def generate(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt,
    *,
    max_new_tokens: int = 64,
    preset: str | None = None,
    placement: str | None = None,
    **options: Any,
) -> Generation:
    """Answer one prompt about one image, greedily unless ``options`` say otherwise.

    Captures read each position of the answer that is returned, once. Where the options make other
    passes (beams, drafts, no cache, guidance) the answer is found first and then written anew, id by
    id, for the captures: they get the rows of a teacher-forced run, and it takes twice as long.

    Args:
        model: the model.
        image: path, PIL image or uint8 (height, width, 3) array.
        prompt: text or :class:`Prompt`.
        max_new_tokens: at most so many.
        preset, placement: as for :func:`prefill`.
        options: passed to transformers' ``generate``. What it would return beside the ids
            (``return_dict_in_generate``, ``output_scores`` and the like) is not kept.

    Raises:
        UnsupportedError: options that make more than one answer, other inputs, or that run code from
            the hub; inside a knock-out those that run passes over another prompt; named.
    """
    check_model(model)
    images, prompts = as_batch(image, prompt)
    encoded = model.encode(images[:1], prompts[:1], preset=preset, placement=placement)
    inputs = {name: value for name, value in encoded.inputs.items() if name != "position_ids"}
    settings = _settings(model, options)
    check_options(model.hf, settings, inputs)
    binding = Binding(encoded.token_maps, generating=True)
    with instrument(model) as active, model.frozen(), active.bound(binding):
        edges = changed_edges(model.hf, settings) if active.blockers else []
        if edges:
            raise refused_edges(edges)
        changed = changed_passes(model.hf, settings) if active.readers or active.thinner else []
        if changed and active.thinner is not None:
            raise refused_thinning(changed)
        with active.unread() if changed else contextlib.nullcontext():
            cache = _own_cache(model, settings)
            out = model.hf.generate(**inputs, max_new_tokens=max_new_tokens, **settings, **cache)
        ids = out[0, encoded.length :].cpu()
        if changed:
            _write_anew(model, inputs, ids, settings, changed)
        generation = generation_of(model, ids, encoded.token_maps[0])
        _relabel(active, Binding((generation.token_map,), generating=True))
    return generation


def _settings(model: LoadedModel, options: dict[str, Any]) -> dict[str, Any]:
    """Greedy and with a cache, unless the options or a whole setting among them say otherwise."""
    ours: dict[str, Any] = {"do_sample": False, "num_beams": 1, "use_cache": True}
    whole = options.get("generation_config")
    stated = {name for name in ours if getattr(whole, name, None) is not None}
    settings = {name: value for name, value in ours.items() if name not in stated}
    last = {"return_dict_in_generate": False}
    return {**settings, "pad_token_id": model.pad_id, **options, **last}


def _own_cache(model: LoadedModel, settings: dict[str, Any]) -> dict[str, Any]:
    """The family's cache as a keyword of ``generate``, where it has one and the settings take one."""
    if not settings.get("use_cache", True) or "cache_implementation" in settings:
        return {}
    cache = model.family.generating_cache(model.hf)
    return {} if cache is None else with_cache(model.hf, cache)


def _write_anew(
    model: LoadedModel,
    inputs: dict[str, torch.Tensor],
    ids: torch.Tensor,
    settings: dict[str, Any],
    changed: list[str],
) -> None:
    """Generate an answer that is known, one pass for each position, for whoever reads rows."""
    plain = plain_settings(model.pad_id)
    if "eos_token_id" in settings:
        plain["eos_token_id"] = settings["eos_token_id"]
    out = model.hf.generate(
        **inputs,
        max_new_tokens=len(ids),
        logits_processor=[ForcedIds(ids)],
        **plain,
        **_own_cache(model, plain),
    )
    if not torch.equal(out[0, -len(ids) :].cpu(), ids):
        raise AttentionError(
            f"The answer that {', '.join(changed)} found could not be written anew token by token, so "
            "its rows cannot be read. Generate without these options inside a capture."
        )


def _relabel(active: Instrument, binding: Binding) -> None:
    for reader in active.readers:
        if isinstance(reader, Trace):
            reader.relabel(binding)
