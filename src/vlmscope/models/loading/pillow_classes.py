"""Processor classes of transformers that it keeps back where torchvision is missing, without need.

Pixtral's takes one function from the torchvision half of its image processing, and the Pillow half has
the same function. Its own source is run with that one import answered by the Pillow half; modules of
transformers and ``sys.modules`` stay as they are.
"""

from __future__ import annotations

import builtins
import importlib.util
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["processor_class"]

_HOME = "transformers.models"
# class -> (module that holds it, what it imports, what answers that import)
_TWINS = {
    "PixtralProcessor": (
        "pixtral.processing_pixtral",
        "image_processing_pixtral",
        "pixtral.image_processing_pil_pixtral",
    )
}


def processor_class(name: str) -> Any:
    """The processor class of transformers with this name; None where it has none.

    What needs a package that is missing is a stand-in of transformers, which says so when it is used.
    """
    import transformers

    cls = getattr(transformers, name, None)
    return _by_pillow(name) if getattr(cls, "is_dummy", False) and name in _TWINS else cls


class _ReadAnew:
    """Mixed in before such a class: found by its name again, which no import does."""

    def __reduce__(self) -> Any:
        return _blank, (type(self).__name__,), self.__dict__


@cache
def _by_pillow(name: str) -> Any:
    place, wanted, instead = _TWINS[name]
    home = _read_anew(f"{_HOME}.{place}", wanted, import_module(f"{_HOME}.{instead}"))
    cls = getattr(home, name)
    return type(name, (_ReadAnew, cls), {"__module__": __name__, "__doc__": cls.__doc__})


def _read_anew(place: str, wanted: str, instead: ModuleType) -> ModuleType:
    """A module of transformers imported apart, with ``instead`` for its import of ``wanted``."""
    origin: Any = importlib.util.find_spec(place)
    # under the name of the other half: its classes look their file up in sys.modules
    spec: Any = importlib.util.spec_from_file_location(instead.__name__, origin.origin)
    module = importlib.util.module_from_spec(spec)

    def imported(name: str, *context: Any) -> Any:
        return instead if name == wanted else builtins.__import__(name, *context)

    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": imported}
    spec.loader.exec_module(module)
    return module


def _blank(name: str) -> Any:
    kind = processor_class(name)
    return kind.__new__(kind)
