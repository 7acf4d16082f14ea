"""The embedded models and the world they know: rendered scenes of a few coloured shapes.

Importing this costs nothing; the names below load what they need on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlmscope.tiny.embedded import EMBEDDED, embedded_path
    from vlmscope.tiny.world.layout import SceneOptions
    from vlmscope.tiny.world.referring import ReferringSample, referring_samples
    from vlmscope.tiny.world.scenes import Scene, SceneObject, render_scene

__all__ = [
    "EMBEDDED",
    "ReferringSample",
    "Scene",
    "SceneObject",
    "SceneOptions",
    "embedded_path",
    "referring_samples",
    "render_scene",
]

_HOMES = {
    "EMBEDDED": "embedded",
    "ReferringSample": "world.referring",
    "Scene": "world.scenes",
    "SceneObject": "world.scenes",
    "SceneOptions": "world.layout",
    "embedded_path": "embedded",
    "referring_samples": "world.referring",
    "render_scene": "world.scenes",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"vlmscope.tiny.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vlmscope.tiny' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
