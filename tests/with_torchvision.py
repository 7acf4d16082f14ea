"""Runs pytest beside a torchvision that was unpacked into a folder, with or without its own kernels.

    python tests/with_torchvision.py FOLDER [PYTEST ARGUMENT ...]

The wheels of the package index hold kernels for CUDA builds of torch. Beside a CPU build they do not load,
and torchvision cannot be imported, for it describes operators that nobody defined. Image processors
use none of these: their transforms are functions of torch. So the operators are declared here, without
anything that computes them. The exit code is pytest's.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_KEPT: list[torch.library.Library] = []  # a library that is collected takes its operators along


def add_torchvision(folder: Path) -> None:
    """Make the torchvision of ``folder`` importable.

    Raises:
        ImportError, RuntimeError: it is not there, or belongs to another version of torch.
    """
    sys.path.insert(0, str(folder))
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
    else:
        return
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    declared = torch.library.Library("torchvision", "DEF")
    for operator in _OPERATORS:
        declared.define(operator)
    _KEPT.append(declared)
    importlib.import_module("torchvision")


def main(words: list[str]) -> int:
    """Make it importable, then run."""
    add_torchvision(Path(words[0]))
    import pytest

    return int(pytest.main(words[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
