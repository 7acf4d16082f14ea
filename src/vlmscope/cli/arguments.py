"""Arguments that several commands share, spelled and explained in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vlmscope.errors import BadOptionError, UnsupportedError

if TYPE_CHECKING:
    from vlmscope.models import DualEncoder, LoadedModel
    from vlmscope.refine import Refiner

__all__ = [
    "AsJson",
    "Device",
    "Dtype",
    "MaxPixels",
    "MaxSide",
    "ModelArgument",
    "ModelName",
    "ModelOption",
    "Quiet",
    "Revision",
    "TrustRemoteCode",
    "load_decoder",
    "load_model",
    "load_refiner",
    "the_model",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
ModelName = Annotated[
    str, typer.Option("--model", "-m", metavar="MODEL", help="Embedded id, hub id or folder.")
]
ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="Embedded id, hub id or folder; tiny-llava if none is named.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", metavar="MODEL", help="The same, as an option.")
]
Dtype = Annotated[
    str | None,
    typer.Option(help="Of the weights: float32, float16, bfloat16 or auto.", show_default=False),
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, cuda:1 ..., auto to spread (default: a GPU if there is one)."),
]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")]
TrustRemoteCode = Annotated[
    bool,
    typer.Option("--trust-remote-code", help="Run code that comes with the checkpoint."),
]
MaxSide = Annotated[
    int | None,
    typer.Option(help="Make larger images smaller first, to so many pixels: fewer image tokens."),
]
MaxPixels = Annotated[int, typer.Option(help="Larger images are refused.")]


def the_model(argument: str | None, option: str | None) -> str:
    """The model that was named, as an argument or as an option; tiny-llava if none was.

    Raises:
        BadOptionError: two different ones.
    """
    if argument is not None and option is not None and argument != option:
        raise BadOptionError(f"Two models were named, {argument} and {option}. Name one.")
    return argument or option or "tiny-llava"


def load_model(
    name: str,
    dtype: str | None = None,
    device: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    max_side: int | None = None,
) -> LoadedModel | DualEncoder:
    """Load a model without the chatter of transformers.

    Raises:
        VlmscopeError: as :func:`vlmscope.load`.
    """
    from vlmscope.models import load

    _silence()
    return load(
        name,
        dtype=dtype,
        device=device,
        revision=revision,
        trust_remote_code=trust_remote_code,
        max_side=max_side,
    )


def load_refiner(name: str, dtype: str | None = None, device: str | None = None) -> Refiner:
    """Load a SAM without the chatter of transformers.

    Raises:
        VlmscopeError: as :func:`vlmscope.load_sam`.
    """
    from vlmscope.refine import load_sam

    _silence()
    return load_sam(name, dtype=dtype, device=device)


def _silence() -> None:
    from transformers.utils import logging

    # this process is the command's own; a library must not do this
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def load_decoder(
    name: str,
    dtype: str | None = None,
    device: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    max_side: int | None = None,
) -> LoadedModel:
    """Load a model that has a text decoder, and so localization heads.

    Raises:
        UnsupportedError: a dual encoder such as CLIP.
        VlmscopeError: as :func:`vlmscope.load`.
    """
    from vlmscope.models import LoadedModel

    model = load_model(name, dtype, device, revision, trust_remote_code, max_side)
    if not isinstance(model, LoadedModel):
        raise UnsupportedError(
            f"{name} has no text decoder, and so no localization heads. Take a model that answers "
            "in words, such as tiny-llava; see: vlmscope models"
        )
    return model
