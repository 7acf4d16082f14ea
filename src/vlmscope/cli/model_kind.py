"""Which methods run on the model that a command line names, before that model is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vlmscope.cli.options import peek
from vlmscope.errors import VlmscopeError

if TYPE_CHECKING:
    from pathlib import Path

    from vlmscope.methods import Method

__all__ = ["named_default", "named_methods"]


def named_methods(words: Sequence[str], default: str) -> tuple[Method, ...]:
    """The methods that run on the model named with ``--model``, in the order of preference.

    Only its configuration is looked at. Of a model that nothing on this machine says anything of,
    all methods: which of them runs is then known when it is loaded.

    Args:
        words: the command line.
        default: the model when none is named.
    """
    from vlmscope.methods import get_method, methods
    from vlmscope.methods.decoder import ReadingMethod
    from vlmscope.methods.encoder import DenseMethod
    from vlmscope.models.loading.load_ts_cam import is_weights_file

    if is_weights_file(peek(words, "--model", "-m") or default):
        return (get_method("ts-cam"),)
    kind = _kind(words, default)
    kinds: tuple[type, ...] = (ReadingMethod, DenseMethod)
    if kind is not None:
        kinds = (DenseMethod,) if kind.encoder else (ReadingMethod,)
    return tuple(method for method in methods() if isinstance(method, kinds))


def named_default(words: Sequence[str], default: str, dense: bool = False) -> Method:
    """The method that runs on the model named with ``--model`` when no method is named.

    Args:
        words: the command line.
        default: the model when none is named.
        dense: only a method with scores per patch will do. Of a model that nothing on this machine says
            anything of it is then that of CLIP; else that of decoders.
    """
    from vlmscope.methods import get_method, methods
    from vlmscope.methods.catalogue import default_dense
    from vlmscope.models.loading.load_ts_cam import is_weights_file

    if not dense and is_weights_file(peek(words, "--model", "-m") or default):
        return get_method("ts-cam")
    kind = _kind(words, default)
    if kind is not None and kind.encoder:
        return default_dense(kind.family)
    return default_dense("clip") if dense else methods()[0]


@dataclass(frozen=True)
class _Kind:
    """What is known of a model before it is loaded.

    Attributes:
        family: id of its family.
        encoder: whether it is a dual encoder and has no decoder.
    """

    family: str
    encoder: bool


def _kind(words: Sequence[str], default: str) -> _Kind | None:
    """Of the model that is named; None: nothing on this machine says anything of it."""
    from vlmscope.models import FAMILIES, DualFamily, catalogue

    name, revision = peek(words, "--model", "-m") or default, peek(words, "--revision")
    known = {card.id: card.family for card in catalogue()}
    try:
        config = _config(name, revision) or {}
        if peek(words, "--text-tower") is not None:  # the image tower in it, with texts
            return _Kind(_tower_family(config), True)
        if name in known:
            family = FAMILIES.get(known[name])
        elif config:
            tower = config.get("vision_config")
            family = FAMILIES.for_model_type(str(config.get("model_type")), name, tower)
        else:
            return None
    except (VlmscopeError, OSError, ValueError, RecursionError):  # nested without end, too
        return None  # what is wrong with it is said when it is loaded
    return _Kind(family.id, isinstance(family, DualFamily))


def _tower_family(config: Mapping[str, Any]) -> str:
    """``clip`` of ``clip_vision_model``, and where nothing is known."""
    tower = config.get("vision_config")
    kind = tower.get("model_type") if isinstance(tower, Mapping) else None
    return str(kind or "clip").partition("_")[0]


def _config(name: str, revision: str | None) -> dict[str, Any] | None:
    """What ``config.json`` says, if it is on this machine; nothing is downloaded."""
    from vlmscope.models.loading.sources import locate

    source = locate(name)
    if source.open_clip:
        return {"model_type": "clip"}
    file = _cached(name, revision) if source.folder is None else source.folder / "config.json"
    if file is None:
        return None
    config = json.loads(file.read_text(encoding="utf-8"))
    return config if isinstance(config, dict) else None


def _cached(name: str, revision: str | None) -> Path | None:
    from pathlib import Path

    from huggingface_hub import try_to_load_from_cache

    file = try_to_load_from_cache(name, "config.json", revision=revision)
    return Path(file) if isinstance(file, str) else None
