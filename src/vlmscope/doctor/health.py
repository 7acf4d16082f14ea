"""Facts about this machine and this installation: values, nothing is printed."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "EXTRAS",
    "Extra",
    "accelerators",
    "extras",
    "free_memory",
    "kernels",
    "machine",
    "problems",
    "versions",
]


@dataclass(frozen=True)
class Extra:
    """An optional part.

    Attributes:
        package: what has to be importable.
        distribution: what pip calls it.
        lacks: what does not work without it.
    """

    package: str
    distribution: str
    lacks: str


EXTRAS: Mapping[str, Extra] = {
    "supervision": Extra("supervision", "supervision", "Grounding.to_supervision()"),
    "coco": Extra("pycocotools", "pycocotools", "COCO run-length masks and COCO annotation files"),
    "parquet": Extra("pyarrow", "pyarrow", "tables as Parquet files"),
    "datasets": Extra("datasets", "datasets", "labels for a data set of the datasets library"),
    "ray": Extra("ray", "ray", "labels on a cluster (vlmscope label --ray)"),
    "app": Extra("fastapi", "fastapi", "the page in the browser (vlmscope app)"),
    "notebook": Extra("anywidget", "anywidget", "live widgets in notebooks (vs.view())"),
    "video": Extra("av", "av", "frames of video files (vlmscope clip)"),
    "fiftyone": Extra("fiftyone", "fiftyone", "to_fiftyone()"),
    "accelerate": Extra("accelerate", "accelerate", "device_map=, quantised models"),
    "diffusion": Extra("diffusers", "diffusers", "words of generated pictures (vlmscope daam)"),
    "judge": Extra("openai", "openai", "a judge behind an OpenAI-compatible endpoint"),
}
"""The extras of pyproject.toml by name."""

_CORE = ("torch", "transformers", "numpy", "pillow", "scipy", "safetensors", "huggingface_hub")


def versions() -> dict[str, str | None]:
    """Versions of Python, vlmscope and the core packages; None for one that is not installed."""
    from vlmscope.version import __version__

    return {
        "python": platform.python_version(),
        "vlmscope": __version__,
        **{name: _version(name) for name in _CORE},
    }


def machine() -> dict[str, Any]:
    """System, cores, memory in bytes (None when unknown), and the threads torch computes with."""
    import torch

    try:
        memory: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system says
        memory = None
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory": memory,
        "threads": torch.get_num_threads(),
    }


def accelerators() -> list[dict[str, Any]]:
    """GPUs that torch sees, with their memory in bytes (None where it is shared)."""
    import torch

    gpus: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            gpus.append(
                {
                    "device": f"cuda:{index}",
                    "name": properties.name,
                    "memory": properties.total_memory,
                }
            )
    if torch.backends.mps.is_available():
        gpus.append({"device": "mps", "name": "Apple GPU", "memory": None})
    return gpus


def free_memory() -> tuple[str, int | None]:
    """The device that models go to by default, and its free memory in bytes (None: unknown)."""
    import torch

    if torch.cuda.is_available():
        return "cuda:0", int(torch.cuda.mem_get_info(0)[0])
    return "cpu", _available_memory()


def _available_memory() -> int | None:
    """Main memory that could be had without swapping; what is only cached counts as free."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system says
        return None


def kernels() -> dict[str, bool]:
    """Attention kernels by their name in transformers, and whether they can be used here."""
    import torch
    from transformers import utils

    flash = getattr(utils, "is_flash_attn_2_available", lambda: False)
    flex = getattr(utils, "is_torch_flex_attn_available", lambda: False)
    return {
        "eager": True,
        "sdpa": hasattr(torch.nn.functional, "scaled_dot_product_attention"),
        "flash_attention_2": bool(flash()),
        "flex_attention": bool(flex()),
    }


def extras() -> list[dict[str, Any]]:
    """Every extra: its version (None: not installed), what lacks without it, how to get it."""
    return [
        {
            "extra": name,
            "version": _version(extra.distribution),
            "without": extra.lacks,
            "install": f"pip install 'vlmscope[{name}]'",
        }
        for name, extra in EXTRAS.items()
    ]


def problems() -> list[str]:
    """What is wrong with this installation, each with its remedy."""
    faults = [
        f"{name} is not installed. Install vlmscope again: pip install vlmscope"
        for name, version in versions().items()
        if version is None
    ]
    transformers = _version("transformers")
    if transformers is not None and not (5, 23) <= _numbers(transformers) < (6,):
        faults.append(
            f"transformers is {transformers}, vlmscope needs 5.23 or later, below 6. "
            "Install it: pip install 'transformers>=5.23,<6'"
        )
    return [*faults, *_torchvision(), *_weights()]


def _torchvision() -> list[str]:
    """A torchvision built for another torch breaks transformers' image models."""
    if _version("torchvision") is None:
        return []
    try:
        importlib.import_module("torchvision")
    except Exception as error:
        return [
            f"torchvision is installed but does not import ({error}), which breaks many models. "
            "vlmscope does not need it: pip uninstall torchvision"
        ]
    return []


def _weights() -> list[str]:
    from vlmscope.errors import VlmscopeError
    from vlmscope.tiny import EMBEDDED, embedded_path

    faults = []
    for name in EMBEDDED:
        try:
            embedded_path(name)
        except VlmscopeError as error:
            faults.append(str(error))
    return faults


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
