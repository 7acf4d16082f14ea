"""damian0815/compel#23: a library that reaches for weights which accelerate has put elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from dual_families import clip, siglip
from vlmscope.errors import UnsupportedError

accelerate = pytest.importorskip("accelerate")
CPU = torch.device("cpu")


def on_cpu(hf: Any, folder: Path) -> Any:
    return accelerate.cpu_offload(hf, execution_device=CPU)


def on_disk(hf: Any, folder: Path) -> Any:
    return accelerate.disk_offload(hf, str(folder), execution_device=CPU)


@pytest.mark.parametrize("build", [clip, siglip])
@pytest.mark.parametrize("offload", [on_cpu, on_disk])
def test_an_offloaded_encoder_is_refused_with_the_way_out(
    build: Any, offload: Any, tmp_path: Path
) -> None:
    model = build()
    away = offload(model.hf, tmp_path)
    with pytest.raises(UnsupportedError, match="offloaded.*on one device"):
        vs.from_pretrained_model(away, model.processor)


def test_a_whole_encoder_is_taken() -> None:
    model = clip()
    again = vs.from_pretrained_model(model.hf, model.processor)
    image = np.zeros((40, 60, 3), np.uint8)
    assert vs.ground(again, image, "a red circle", method="gem").score_map.shape
