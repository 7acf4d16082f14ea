"""Load a model's weights, and refuse those that are not all there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from vlmscope.errors import ModelLoadError
from vlmscope.models.placing import Placing

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["load_weights"]

_LISTED = 5


def load_weights(
    name: str, path: str, auto_class: str, options: Mapping[str, Any], place: Placing
) -> PreTrainedModel:
    """Load a model in evaluation mode and put it where it is used.

    Args:
        name: for messages.
        path: a folder, or an id on the hub.
        auto_class: the class of transformers that loads it.
        options: for transformers: ``dtype``, ``revision``, ``trust_remote_code``.
        place: where it goes.

    Raises:
        ModelLoadError: weights that are missing or have other shapes than the configuration says.
    """
    import transformers

    auto = getattr(transformers, auto_class)
    spread = {} if place.device_map is None else {"device_map": place.device_map}
    hf, report = auto.from_pretrained(
        path,
        **options,
        **spread,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused below, with names and shapes
    )
    _check_shapes(name, report["mismatched_keys"])
    _check_complete(name, report["missing_keys"], report["unexpected_keys"])
    if place.device is not None:
        hf.to(place.device)
    model: PreTrainedModel = hf.eval()
    return model


def _check_complete(name: str, missing: Collection[str], left: Collection[str]) -> None:
    """transformers fills what is missing with random numbers and only warns."""
    if not missing:
        return
    unused = f" It holds {len(left)} that fit nowhere: {_listed(left)}." if left else ""
    raise ModelLoadError(
        f"{name} lacks {len(missing)} of the weights that its config.json asks for: "
        f"{_listed(missing)}.{unused} They would be random numbers. Fetch the checkpoint again, or "
        "give one whose weights and config.json belong together."
    )


def _check_shapes(name: str, mismatched: Collection[tuple[str, Any, Any]]) -> None:
    if not mismatched:
        return
    key, stored, wanted = min(mismatched, key=lambda each: each[0])
    raise ModelLoadError(
        f"{len(mismatched)} weights of {name} have other shapes than its config.json says, for "
        f"example {key}: {_shape(stored)} stored, {_shape(wanted)} expected. The two were made for "
        "different models: fetch the checkpoint again."
    )


def _listed(keys: Collection[str]) -> str:
    more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
    return ", ".join(sorted(keys)[:_LISTED]) + more


def _shape(shape: Any) -> str:
    return "x".join(map(str, shape))
