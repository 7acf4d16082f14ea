"""Where the weights that ship with the package lie."""

from __future__ import annotations

from pathlib import Path

from vlmscope.errors import ModelLoadError, UnknownNameError

__all__ = ["EMBEDDED", "embedded_path"]

EMBEDDED = ("tiny-llava", "tiny-clip", "tiny-llava-crowd")
"""Ids of the embedded models."""

_TRAINED_BY = {"tiny-llava-crowd": "tiny-llava --setting crowd --start tiny-llava"}


def embedded_path(name: str) -> Path:
    """The folder of an embedded model, as ``from_pretrained`` takes it.

    Raises:
        UnknownNameError: for a name that is not in ``EMBEDDED``.
        ModelLoadError: when the package was installed without its weights.
    """
    if name not in EMBEDDED:
        raise UnknownNameError("embedded model", name, EMBEDDED)
    folder = Path(__file__).parent / "weights" / name
    if not (folder / "model.safetensors").is_file():
        raise ModelLoadError(
            f"The weights of {name} are not in {folder}. Install the package from its wheel, or "
            f"train them: python -m vlmscope.tiny.training.train {_TRAINED_BY.get(name, name)} --out DIR"
        )
    return folder
