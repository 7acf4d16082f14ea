"""Tiny random-weight models of every LVLM family, found by file: one builder, one proof for all.

Each module of this package holds ``BUILDS``, a dict of name -> :class:`Build`. The proof that every
one of them has to pass is ``tests/models/test_every_family.py``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lvlms.build import Build, special_tokenizer

__all__ = ["Build", "builds", "made", "special_tokenizer"]


def builds() -> dict[str, Build]:
    """Every build, by name."""
    found: dict[str, Build] = {}
    for module in pkgutil.iter_modules(__path__, "lvlms."):
        found.update(getattr(importlib.import_module(module.name), "BUILDS", {}))
    return dict(sorted(found.items()))


@cache
def made(name: str):
    """One model per build and process: tests must leave it as it was."""
    return builds()[name].make()
