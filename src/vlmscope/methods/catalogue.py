"""The one place where methods are registered."""

from __future__ import annotations

from vlmscope.errors import UnsupportedError
from vlmscope.methods.base import Method, MethodRegistry
from vlmscope.methods.localization_heads.method import LocalizationHeads
from vlmscope.models import LoadedModel

__all__ = ["METHODS", "default_method", "get_method", "methods"]

METHODS = MethodRegistry()
METHODS.register(LocalizationHeads())


def methods() -> tuple[Method, ...]:
    """All methods, in the order of preference."""
    return tuple(METHODS)


def get_method(name: str) -> Method:
    """The method of an id.

    Raises:
        UnknownNameError: lists the nearest ids.
    """
    return METHODS.get(name)


def default_method(model: LoadedModel) -> Method:
    """The first method that can run on a model.

    Raises:
        UnsupportedError: when none can.
    """
    for method in METHODS:
        if method.accepts(model):
            return method
    raise UnsupportedError(f"No method of vlmscope runs on {model.id}. See: vlmscope methods")
