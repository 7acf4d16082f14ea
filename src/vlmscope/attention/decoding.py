"""Which options of transformers' ``generate`` change the passes that it makes.

A capture records passes as they come. That is right where every pass adds one position to the
sequence that is returned, and wrong where passes belong to beams, drafts or repetitions of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vlmscope.errors import UnsupportedError
from vlmscope.models.cache_keyword import KEYWORDS

__all__ = [
    "ForcedIds",
    "changed_edges",
    "changed_passes",
    "changed_words",
    "check_options",
    "plain_settings",
]

# what is generated from is placed by vlmscope: roles and pixels are known for nothing else
_INPUTS = (
    "inputs",
    "input_ids",
    "inputs_embeds",
    "attention_mask",
    "position_ids",
    *KEYWORDS,
    "cache_position",
)

# drafts of transformers' own that need parts which models of images and text do not have
_MISSING = ("assistant_early_exit", "use_mtp")

# transformers fetches the code of these ways from the hub
_FETCHED = ("penalty_alpha", "dola_layers", "num_beam_groups", "constraints", "force_words_ids")


def _is_set(value: Any) -> bool:
    return value is not None and value is not False


def _is_several(value: Any) -> bool:
    return value is not None and value != 1


def _is_off(value: Any) -> bool:
    return value is False


def _is_special_cache(value: Any) -> bool:
    # "hybrid" in a checkpoint's settings means transformers' own default
    return value not in (None, "dynamic", "dynamic_full", "hybrid")


_CHANGES: Mapping[str, Callable[[Any], bool]] = {
    "num_beams": _is_several,
    "use_cache": _is_off,
    "assistant_model": _is_set,
    "prompt_lookup_num_tokens": _is_set,
    "assistant_early_exit": _is_set,
    "use_mtp": _is_set,
    "guidance_scale": _is_several,
    "custom_generate": _is_set,
    "cache_implementation": _is_special_cache,
    "prefill_chunk_size": _is_set,
    "synced_gpus": _is_set,
}

# 1 leaves everything as it is
_RATIOS = ("encoder_repetition_penalty", "guidance_scale")

_WORDS = (
    *_RATIOS,
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "sequence_bias",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "min_length",
    "min_new_tokens",
    "exponential_decay_length_penalty",
    "stop_strings",
    "watermarking_config",
)

# passes over another prompt than the one whose positions are known
_OTHER_PROMPTS = ("guidance_scale", "custom_generate")


def changed_passes(hf: Any, options: Mapping[str, Any]) -> list[str]:
    """Options in force whose passes are not the positions of one sequence, each once.

    Args:
        hf: the transformers model, whose ``generation_config`` fills in what is not given.
        options: of ``generate``, by name.

    Returns:
        ``"name=value"`` of each.
    """
    return _in_force(hf, options, _CHANGES)


def changed_edges(hf: Any, options: Mapping[str, Any]) -> list[str]:
    """Options in force under which positions do not mean what a knock-out takes them for."""
    return _in_force(hf, options, {name: _CHANGES[name] for name in _OTHER_PROMPTS})


def check_options(hf: Any, options: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """Refuse what would make one answer to one prompt into something else.

    Args:
        hf: the transformers model.
        options: of ``generate``, by name.
        inputs: what vlmscope feeds in.

    Raises:
        UnsupportedError: names the option.
    """
    placed = [name for name in options if name in _INPUTS or name in inputs]
    if placed:
        raise UnsupportedError(
            f"vlmscope.generate makes {placed[0]!r} itself, from the image and the prompt. Leave it "
            "out, or run model.hf.generate."
        )
    if _is_several(_value(hf, options, "num_return_sequences")):
        raise UnsupportedError(
            f"vlmscope.generate returns one answer, got num_return_sequences="
            f"{_value(hf, options, 'num_return_sequences')!r}. Call it once for each answer."
        )
    if _is_set(_value(hf, options, "token_healing")):
        raise UnsupportedError(
            "token_healing writes the end of the prompt anew, so its rows would be another text's. "
            "Leave it out."
        )
    missing = [name for name in _MISSING if _is_set(_value(hf, options, name))]
    if missing:
        raise UnsupportedError(
            f"{missing[0]} drafts with parts that this model does not have. Leave it out, or give "
            "assistant_model= or prompt_lookup_num_tokens=."
        )
    fetched = [name for name in _FETCHED if _is_set(_value(hf, options, name))]
    if isinstance(options.get("custom_generate"), str):
        fetched.append("custom_generate")
    if fetched:
        raise UnsupportedError(
            f"{fetched[0]} makes transformers fetch a decoding loop from the hub and run it, which "
            "vlmscope never does. Leave it out."
        )


def plain_settings(pad_id: int) -> dict[str, Any]:
    """Settings of ``generate`` that make one pass for each position, whatever the model's own are."""
    unset = dict.fromkeys(("stop_strings", "max_time", *_CHANGES))
    for name in ("assistant_model", "custom_generate", "synced_gpus"):
        unset.pop(name)  # arguments, which have no value in the model's settings
    plain = {"do_sample": False, "num_beams": 1, "use_cache": True, "num_return_sequences": 1}
    return {**unset, **plain, "return_dict_in_generate": False, "pad_token_id": pad_id}


class ForcedIds:
    """A logits processor that lets a sequence be written anew: at each step one id is left."""

    def __init__(self, ids: Tensor) -> None:
        self._ids = ids.tolist()
        self._step = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores (batch, vocabulary) with everything but the next id at minus infinity."""
        forced = torch.full_like(scores, float("-inf"))
        forced[:, self._ids[self._step]] = 0.0
        self._step += 1
        return forced


def changed_words(hf: Any) -> list[str]:
    """A model's own settings under which greedy decoding does not write the likeliest ids.

    The ``repetition_penalty`` is left to whoever decodes.

    Args:
        hf: the transformers model.

    Returns:
        ``"name=value"`` of each.
    """
    return _in_force(hf, {}, {name: _is_several if name in _RATIOS else _is_set for name in _WORDS})


def _value(hf: Any, options: Mapping[str, Any], name: str) -> Any:
    """What is in force: an option, else the given settings, else the model's."""
    if name in options:
        return options[name]
    for settings in (options.get("generation_config"), getattr(hf, "generation_config", None)):
        value = getattr(settings, name, None)
        if value is not None:
            return value
    return None


def _in_force(
    hf: Any, options: Mapping[str, Any], tests: Mapping[str, Callable[[Any], bool]]
) -> list[str]:
    values = {name: _value(hf, options, name) for name in tests}
    return [f"{name}={_shown(value)}" for name, value in values.items() if tests[name](value)]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | bool) else type(value).__name__
