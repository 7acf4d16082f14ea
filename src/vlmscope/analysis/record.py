"""Everything that is needed to repeat a run, to go with its results."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from vlmscope.models import LoadedModel
from vlmscope.version import __version__

__all__ = ["run_record"]


def run_record(model: LoadedModel, **settings: Any) -> dict[str, Any]:
    """Model, settings and versions as JSON values.

    Args:
        model: that was looked into.
        **settings: of the run, JSON values.
    """
    return {
        "model": model.id,
        "revision": model.revision,
        "family": model.family.id,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
        "kernel": str(model.decoder.config._attn_implementation),
        **settings,
        "versions": {
            "vlmscope": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }
