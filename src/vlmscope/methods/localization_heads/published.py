"""Head sets that others published, as data. Nobody has verified them here."""

from __future__ import annotations

from pathlib import Path

from vlmscope.errors import UnknownNameError
from vlmscope.types import HeadSet

__all__ = ["published_for", "published_names", "published_set"]

_FOLDER = Path(__file__).parent / "published"


def published_names() -> tuple[str, ...]:
    """Names of the published sets, for example ``llava-1.5-7b``."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def published_set(name: str) -> HeadSet:
    """A published set by its name.

    Raises:
        UnknownNameError: lists the names.
    """
    if name not in published_names():
        raise UnknownNameError("published head set", name, published_names())
    return HeadSet.load(_FOLDER / f"{name}.json")


def published_for(model: str) -> HeadSet | None:
    """The set published for a model id, or None."""
    sets = (published_set(name) for name in published_names())
    return next((heads for heads in sets if heads.model == model), None)
