"""What a page has to know before anything is asked."""

from __future__ import annotations

from typing import Any

from vlmscope.app.answers.features import features_of
from vlmscope.app.service import Service
from vlmscope.errors import VlmscopeError
from vlmscope.heads.choice import resolve_heads
from vlmscope.methods.catalogue import default_method, methods
from vlmscope.methods.grounder import grounder
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.types import HeadSet
from vlmscope.version import __version__

__all__ = ["described", "head_set", "usable_methods"]


def described(service: Service) -> dict[str, Any]:
    """The session as JSON values."""
    model, settings = service.model, service.settings
    chosen = head_set(model, settings.heads)
    return {
        "vlmscope": __version__,
        "model": _model(model),
        "methods": [
            {"id": each, "title": summary}
            for each, summary in usable_methods(model, settings.heads).items()
        ],
        "method": default_method(model, settings.heads)[0].id,
        "heads": None if chosen is None else [list(head) for head in chosen.heads],
        "heads_source": None if chosen is None else chosen.source,
        "limits": {
            "bytes": settings.limits.upload_bytes,
            "pixels": settings.limits.pixels,
            "phrase": settings.limits.phrase,
        },
        "folder": None if service.folder is None else service.folder.described(),
        "features": features_of(model),
    }


def head_set(model: LoadedModel | DualEncoder, heads: Any) -> HeadSet | None:
    """The heads that phrases are read from; None: the model has none, or nobody knows them."""
    if not isinstance(model, LoadedModel):
        return None
    try:
        return resolve_heads(heads, model)
    except VlmscopeError:
        if heads is not None:  # what somebody named is not silently another
            raise
        return None


def usable_methods(model: LoadedModel | DualEncoder, heads: Any) -> dict[str, str]:
    """Id and summary of the methods that can be run here without anything more."""
    usable = {}
    for method in methods():
        if method.accepts(model) and _runs(model, method.id, heads if _takes(method) else None):
            usable[method.id] = method.summary
    return usable


def _takes(method: Any) -> bool:
    return "heads" in method.takes


def _runs(model: LoadedModel | DualEncoder, method: str, heads: Any) -> bool:
    try:
        grounder(model, (), method, heads)
    except VlmscopeError:
        return False
    return True


def _model(model: LoadedModel | DualEncoder) -> dict[str, Any]:
    is_decoder = isinstance(model, LoadedModel)
    layers, heads = model.decoder_shape if isinstance(model, LoadedModel) else (None, None)
    return {
        "id": model.id,
        "family": model.family.id,
        "kind": "decoder" if is_decoder else "encoder",
        "layers": layers,
        "heads": heads,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
    }
