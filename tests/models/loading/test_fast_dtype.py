"""``dtype="fast"`` asks torch what a device computes natively, and guesses nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch

import vlmscope as vs
from vlmscope.errors import UnknownNameError
from vlmscope.models.loading.devices import plan_weights
from vlmscope.models.loading.fast_dtype import fast_dtype

CPU = torch.device("cpu")
CASES = [
    ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32, "does not compute"),
    ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, torch.bfloat16, "avx512_bf16"),
    ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16, "amx_bf16"),
    ({"neon": True, "bf16": True}, torch.bfloat16, "(bf16)"),
    ({"num_sockets": 1, "bf16": 0, "cpu_name": "bf16"}, torch.float32, "does not compute"),
]


@pytest.mark.parametrize(("flags", "dtype", "reason"), CASES)
def test_processors(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any], dtype: torch.dtype, reason: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    chosen, why = fast_dtype(CPU)
    assert chosen == dtype
    assert reason in why and why.startswith(str(dtype).removeprefix("torch."))
    assert plan_weights("fast", "cpu").dtype == dtype
    model = vs.load("tiny-clip", dtype="fast", device="cpu")
    assert model.dtype == dtype


@pytest.mark.parametrize(("amx", "avx"), [(True, False), (False, True), (False, False)])
def test_older_torch(monkeypatch: pytest.MonkeyPatch, amx: bool, avx: bool) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx, raising=False)
    assert fast_dtype(CPU)[0] == (torch.bfloat16 if amx or avx else torch.float32)


@pytest.mark.parametrize("native", [True, False])
def test_graphics_cards(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some Card")
    chosen, why = fast_dtype(torch.device("cuda"))
    assert chosen == (torch.bfloat16 if native else torch.float32)
    assert "Some Card" in why


def test_other_devices_take_what_always_works() -> None:
    assert fast_dtype(torch.device("mps")) == (
        torch.float32,
        "float32, because nothing is known of bfloat16 on mps",
    )


def test_another_word_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="fast"):
        plan_weights("fst", "cpu")
