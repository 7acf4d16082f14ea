"""Code that comes with a checkpoint: found before anything of it is read, and run only on request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vlmscope.errors import ModelLoadError

__all__ = ["foreign_code", "foreign_code_message", "refuse_foreign_code"]

# every file in which transformers looks for classes and kernels to fetch
_SETTINGS = (
    "config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "image_processor_config.json",
    "video_preprocessor_config.json",
    "tokenizer_config.json",
    "generation_config.json",
)

_CLASSES = "auto_map"

_KERNELS = "_implementation"  # attn_implementation, experts_implementation: a name, or owner/kernel


def refuse_foreign_code(name: str, folder: Path | None) -> None:
    """Refuse a checkpoint whose settings name code that does not belong to transformers.

    Also where transformers has a class of its own for the type: the authors say that their numbers
    come from theirs.

    Args:
        name: of the model, for the message.
        folder: where its files lie, as far as they are on this machine; None: nowhere.

    Raises:
        ModelLoadError: names the entry, its file, and how the code is run on request.
    """
    place = None if folder is None else foreign_code(folder)
    if place is not None:
        raise ModelLoadError(foreign_code_message(name, place))


def foreign_code(folder: Path) -> str | None:
    """Where the settings in a folder name foreign code, as ``"auto_map in config.json"``."""
    for file in _SETTINGS:
        for key in _named_in(_read(folder / file)):
            return f"{key} in {file}"
    return None


def foreign_code_message(name: str, place: str | None = None) -> str:
    """The one sentence that every door answers a checkpoint with foreign code."""
    where = f" ({place})" if place else ""
    return (
        f"{name} comes with code of its own{where}, which nothing but vlmscope.load with "
        "trust_remote_code=True (--trust-remote-code) runs: read that code first."
    )


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # not there, or no JSON: whoever needs the file says so


def _named_in(settings: Any) -> Iterator[str]:
    """The entries that name foreign code, at any depth: processors hold their parts' settings."""
    if isinstance(settings, list):
        for entry in settings:
            yield from _named_in(entry)
    if not isinstance(settings, Mapping):
        return
    for key, value in settings.items():
        is_classes = key == _CLASSES and value
        is_kernel = key.endswith(_KERNELS) and "/" in json.dumps(value)
        if is_classes or is_kernel:
            yield key
        else:
            yield from _named_in(value)
