"""Arguments that several commands share, spelled and explained in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vlmscope.models import LoadedModel

__all__ = [
    "AsJson",
    "Device",
    "Dtype",
    "ModelName",
    "Quiet",
    "Revision",
    "TrustRemoteCode",
    "load_model",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
ModelName = Annotated[
    str, typer.Option("--model", "-m", metavar="MODEL", help="Embedded id, hub id or folder.")
]
Dtype = Annotated[
    str | None,
    typer.Option(help="Of the weights: float32, float16, bfloat16 or auto.", show_default=False),
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1 ... (default: a GPU if there is one).")
]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")]
TrustRemoteCode = Annotated[
    bool,
    typer.Option("--trust-remote-code", help="Run code that comes with the checkpoint."),
]
OutFile = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write.")]


def load_model(
    name: str,
    dtype: str | None = None,
    device: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> LoadedModel:
    """Load a model without the chatter of transformers.

    Raises:
        VlmscopeError: as :func:`vlmscope.load`.
    """
    from transformers.utils import logging

    from vlmscope.models import load

    # this process is the command's own; a library must not do this
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return load(
        name,
        dtype=dtype,
        device=device,
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
