"""Tiny random-weight models of every LVLM family, found by file: one builder, one proof for all.

Each module of this package holds ``BUILDS``, a dict of name -> :class:`Build`. The proof that every
one of them has to pass is ``tests/models/test_every_family.py``. Builds whose images are prepared by
torchvision, or whose tower is timm's, wait for an environment that has it, which
``tests/models/test_torchvision_families.py`` makes.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from transformers.utils import is_timm_available, is_torchvision_available

from lvlms.build import Build, special_tokenizer

__all__ = ["Build", "all_builds", "builds", "made", "special_tokenizer", "waiting"]


@cache
def all_builds() -> dict[str, Build]:
    """Every build, by name, those included that cannot be made here."""
    found: dict[str, Build] = {}
    for module in pkgutil.iter_modules(__path__, "lvlms."):
        found.update(getattr(importlib.import_module(module.name), "BUILDS", {}))
    return dict(sorted(found.items()))


def waiting() -> list[str]:
    """Names of builds that need torchvision or timm, where there is none."""
    lacking = {"torchvision": not is_torchvision_available(), "timm": not is_timm_available()}
    return [
        name
        for name, build in all_builds().items()
        if any(getattr(build, package) and absent for package, absent in lacking.items())
    ]


def builds() -> dict[str, Build]:
    """Every build that can be made here, by name."""
    return {name: build for name, build in all_builds().items() if name not in waiting()}


@cache
def made(name: str):
    """One model per build and process: tests must leave it as it was."""
    return builds()[name].make()
