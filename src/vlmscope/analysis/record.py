"""Everything that is needed to repeat a run, to go with its results."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from vlmscope.attention.installed import own_kernel
from vlmscope.models import LoadedModel
from vlmscope.version import __version__

if TYPE_CHECKING:
    from vlmscope.report import Page

__all__ = ["run_record", "run_section"]


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
        **_hybrid(model),
        **_quantised(model),
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
        "kernel": own_kernel(model),
        **settings,
        "versions": {
            "vlmscope": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }


def _hybrid(model: LoadedModel) -> dict[str, Any]:
    """The layers that have attention rows, where not all have."""
    every = len(model.row_layers) == len(model.layers)
    return {} if every else {"row_layers": list(model.row_layers)}


def _quantised(model: LoadedModel) -> dict[str, Any]:
    scheme = model.card.quantisation
    return {} if scheme is None else {"quantisation": scheme}


def run_section(page: Page, run: dict[str, Any], command: str = "") -> None:
    """Write the record of a run at the end of a page.

    Args:
        page: written to.
        run: as :func:`run_record` gives it.
        command: how the page was made, for the reader who wants to repeat it.
    """
    page.heading("The run")
    if command:
        page.code(command)
    page.code(json.dumps(run, indent=2))
