"""``dtype="fast"``: the narrow numbers that a processor computes by itself, else float32.

A processor without instructions for bfloat16 widens every number first, and is slower with it than with
float32, so what is fast is asked of torch's own flags and never guessed of a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["FAST", "fast_dtype"]

FAST = "fast"


def fast_dtype(device: torch.device) -> tuple[torch.dtype, str]:
    """The dtype that is fast on a device, and a clause that says why."""
    import torch

    if device.type == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        name = torch.cuda.get_device_name(device)
        if native:
            return torch.bfloat16, f"bfloat16, which {name} computes natively"
        return torch.float32, f"float32, because {name} does not compute bfloat16 natively"
    if device.type == "cpu":
        flags = _processor_flags()
        if flags:
            return torch.bfloat16, f"bfloat16, which this processor computes natively ({flags[0]})"
        return torch.float32, "float32, because this processor does not compute bfloat16 natively"
    return torch.float32, f"float32, because nothing is known of bfloat16 on {device.type}"


def _processor_flags() -> list[str]:
    """Instructions for bfloat16 that this processor has, by torch's names for them."""
    import torch

    listed = getattr(torch.cpu, "get_capabilities", None)
    if listed is not None:  # torch 2.10
        return sorted(name for name, there in listed().items() if there is True and _narrow(name))
    asked = {
        "amx_tile": getattr(torch.cpu, "_is_amx_tile_supported", None),
        "avx512_bf16": getattr(torch.cpu, "_is_avx512_bf16_supported", None),
    }
    return [name for name, ask in asked.items() if ask is not None and ask()]


def _narrow(name: str) -> bool:
    """``amx_bf16``, ``avx512_bf16``, and ``bf16`` of ARM."""
    return name.rpartition("_")[2] == "bf16"
