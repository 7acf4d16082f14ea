"""What may be around or inside a transformers model that a user holds, and must come off first."""

from __future__ import annotations

from typing import Any

from torch import nn

from vlmscope.errors import ModelLoadError, UnsupportedError

__all__ = ["MERGE", "check_in_place", "check_unwrapped", "check_whole"]

MERGE = "merge_and_unload()"

# by name: an old torch lacks some of them, and none is imported for this alone
_PARALLEL = {"DataParallel", "DistributedDataParallel", "FullyShardedDataParallel"}


def check_unwrapped(hf_model: Any) -> None:
    """Refuse a model that is wrapped for training.

    Raises:
        UnsupportedError: one in a wrapper of parallel training, or with adapters that are not
            merged; says how to get the model out.
        ModelLoadError: no transformers model.
    """
    kind = type(hf_model).__name__
    if _PARALLEL & {base.__name__ for base in type(hf_model).__mro__}:
        raise UnsupportedError(
            f"The model is wrapped in {kind}, which spreads batches over devices: give the model "
            "inside it, model.module."
        )
    if _has_adapters(hf_model):
        raise UnsupportedError(
            f"The model ({kind}) holds adapters of peft that are not merged, so what is read would be "
            f"credited to the base model: give what model.{MERGE} returns."
        )
    if not hasattr(getattr(hf_model, "config", None), "model_type"):
        raise ModelLoadError(f"from_pretrained_model needs a transformers model, got {kind}.")


def check_whole(hf_model: Any, auto_class: str, *, answers: bool) -> None:
    """Refuse the trunk of a model.

    Args:
        hf_model: of a covered family.
        auto_class: of transformers, which loads the family.
        answers: whether its models answer in words, and so have an output layer.

    Raises:
        UnsupportedError: names the class to load it with.
    """
    import transformers

    headless = answers and _output_layer(hf_model) is None
    # a class of its own is asked for; of an auto class there are many, and the family checks more
    named = getattr(transformers, auto_class, None)
    if isinstance(named, type) and issubclass(named, nn.Module):
        headless = headless or not isinstance(hf_model, named)
    if headless:
        raise UnsupportedError(
            f"{type(hf_model).__name__} is the model without its head: load the same weights with "
            f"transformers.{auto_class}, or by vlmscope.load."
        )


def check_in_place(hf_model: nn.Module) -> None:
    """Refuse an encoder whose weights accelerate keeps elsewhere: its blocks are taken apart.

    Raises:
        UnsupportedError: names a weight that is not there, and the way to have it there.
    """
    away = next((name for name, weight in hf_model.named_parameters() if weight.is_meta), None)
    if away is not None:
        raise UnsupportedError(
            f"The weights of this {type(hf_model).__name__} are offloaded ({away} is not in memory), "
            "and dense methods take its blocks apart. Give the whole model on one device: "
            "vlmscope.load(..., device=...), or load it without offloading."
        )


def _output_layer(hf_model: Any) -> Any:
    try:
        layer = hf_model.get_output_embeddings()
    except (AttributeError, NotImplementedError):  # transformers' way to say that there is none
        layer = None
    inside = getattr(hf_model, "language_model", None)  # a whole model that has one of its own
    return layer if layer is not None or inside is None else _output_layer(inside)


def _has_adapters(hf_model: Any) -> bool:
    # their layers, not marks on the model: merging takes the layers out and may leave the marks
    modules = hf_model.modules() if isinstance(hf_model, nn.Module) else ()
    return any(type(module).__module__.partition(".")[0] == "peft" for module in modules)
