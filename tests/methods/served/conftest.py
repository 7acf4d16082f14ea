"""A request that tiny-llava served, in float32, so that the result is the live one to the digit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The example that is kept in docs/serving."""
    return DOCS / "serving"


@pytest.fixture(scope="session")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in float32."""
    sys.path.insert(0, str(DOCS / "building"))
    try:
        from serving import record
    finally:
        sys.path.pop(0)
    folder = tmp_path_factory.mktemp("served")
    record(folder, torch.float32)
    return folder


@pytest.fixture
def request_value(exact: Path) -> dict[str, Any]:
    """What the request says, to be changed."""
    value = json.loads((exact / "request.json").read_text())
    value["image"] = str(exact / "scene.png")
    return value


@pytest.fixture
def changed(exact: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the file of hidden states anew, changed by a function of its tensors."""

    def write(change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
        tensors = load_file(exact / "hidden.safetensors")
        change(tensors)
        contiguous = {name: value.contiguous() for name, value in tensors.items()}
        save_file(contiguous, tmp_path / "changed.safetensors")
        return tmp_path / "changed.safetensors"

    return write
